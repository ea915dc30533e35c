import { randomBytes } from 'node:crypto';

declare const sandboxBrand: unique symbol;
declare const containerBrand: unique symbol;
declare const imageBrand: unique symbol;

/** 64 lower-case hex digits that name a pod sandbox. */
export type SandboxId = string & { readonly [sandboxBrand]: true };

/** 64 lower-case hex digits that name a container. */
export type ContainerId = string & { readonly [containerBrand]: true };

/** The digest of an image's configuration: `sha256:` and 64 lower-case hex digits. */
export type ImageId = string & { readonly [imageBrand]: true };

const idPattern = /^[0-9a-f]{64}$/;
const imageIdPattern = /^sha256:[0-9a-f]{64}$/;

/** True for 64 lower-case hex digits, the form of sandbox and container ids alike. */
export function isId(text: string): text is SandboxId & ContainerId {
  return idPattern.test(text);
}

/** True for `sha256:` and 64 lower-case hex digits. */
export function isImageId(text: string): text is ImageId {
  return imageIdPattern.test(text);
}

/** Returns a random id that no other sandbox has. */
export function newSandboxId(): SandboxId {
  return randomId();
}

/** Returns a random id that no other container has. */
export function newContainerId(): ContainerId {
  return randomId();
}

function randomId(): SandboxId & ContainerId {
  const text = randomBytes(32).toString('hex');
  if (!isId(text)) {
    throw new TypeError(`cannot make an id: "${text}" is not 64 hex digits`);
  }
  return text;
}
