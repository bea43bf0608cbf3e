// @ts-check
/** What the soak's two processes call things. */
export const DEVICE = 'soak0';
export const ADDRESS = '198.18.0.2';
