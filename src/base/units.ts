/**
 * Numbers with a unit, checked by the compiler only. A plain number fits each type, so arithmetic
 * needs no casts. A number with one unit does not fit another, so that segments are not printed as
 * bytes.
 */
export type Unit<Name extends string> = number & { readonly unit?: Name };

/** Bytes of a stream, a buffer, a window or a packet. */
export type Bytes = Unit<'Bytes'>;

/** Segments on the wire: a super-segment counts as the segments that it is split into. */
export type Segments = Unit<'Segments'>;
