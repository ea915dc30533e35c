/**
 * The version of proto/isolation/v1 that this program speaks. Monitors of pods that an older one has
 * made speak theirs.
 */
export const protocolVersion = 2;
