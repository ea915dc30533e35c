/** The version of proto/isolation/v1 that this program speaks. */
export const protocolVersion = 1;
