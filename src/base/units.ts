/**
 * Numbers with a unit, for the compiler only. A plain number fits every one of them, so arithmetic
 * needs no casts; but one unit does not fit where another is asked for: segments are not printed as
 * bytes.
 */
export type Unit<Name extends string> = number & { readonly unit?: Name };

/** Of a stream, a buffer, a window, a packet. */
export type Bytes = Unit<'Bytes'>;

/** As they are on the wire: a super-segment counts as the segments that it is cut into. */
export type Segments = Unit<'Segments'>;
