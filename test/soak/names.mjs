// @ts-check
/** Names that the soak's two processes share. */
export const DEVICE = 'soak0';
export const ADDRESS = '198.18.0.2';
