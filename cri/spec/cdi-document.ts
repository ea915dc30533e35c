// A file of the Container Device Interface: what it says, checked. A field that is not known is an
// error, because leaving one out could give a container less than its device needs, or more.
import * as v from 'valibot';
import type { OciHooks } from './types.ts';

const versions = /^(?:0\.[3-8]|1\.[01])\.\d+$/u;
const kind = /^[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?\/[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/u;
const deviceName = /^[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$/u;

const path = v.pipe(
  v.string(),
  v.check((text) => text.startsWith('/') && !text.includes('\0'), 'is not an absolute path'),
);
const id = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 2));
const annotations = v.optional(v.record(v.string(), v.string()), {});

const deviceNode = v.strictObject({
  path,
  hostPath: v.optional(path),
  type: v.optional(v.picklist(['', 'b', 'c', 'u', 'p']), ''),
  major: v.optional(v.pipe(v.number(), v.integer()), 0),
  minor: v.optional(v.pipe(v.number(), v.integer()), 0),
  fileMode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o7777))),
  permissions: v.optional(
    v.pipe(v.string(), v.regex(/^[rwm]{0,3}$/u, 'is not made of r, w, m')),
    '',
  ),
  uid: v.optional(id),
  gid: v.optional(id),
});

const mount = v.strictObject({
  hostPath: v.pipe(v.string(), v.minLength(1, 'is empty')),
  containerPath: path,
  options: v.optional(v.array(v.string()), []),
  type: v.optional(v.string(), ''),
});

const hook = v.strictObject({
  hookName: v.picklist([
    'prestart',
    'createRuntime',
    'createContainer',
    'startContainer',
    'poststart',
    'poststop',
  ]),
  path,
  args: v.optional(v.array(v.string()), []),
  env: v.optional(v.array(v.string()), []),
  timeout: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});

const containerEdits = v.strictObject({
  env: v.optional(
    v.array(v.pipe(v.string(), v.regex(/^[^=\0]+=[^\0]*$/u, 'is not NAME=value'))),
    [],
  ),
  deviceNodes: v.optional(v.array(deviceNode), []),
  mounts: v.optional(v.array(mount), []),
  hooks: v.optional(v.array(hook), []),
  additionalGids: v.optional(v.array(id), []),
  // Known, and refused when a container asks for them.
  intelRdt: v.optional(v.unknown()),
  netDevices: v.optional(v.array(v.unknown()), []),
});

const document = v.strictObject({
  cdiVersion: v.pipe(v.string(), v.regex(versions, 'is not a version from 0.3.0 to 1.1')),
  kind: v.pipe(v.string(), v.regex(kind, 'is not vendor/class')),
  annotations,
  devices: v.array(
    v.strictObject({
      name: v.pipe(v.string(), v.regex(deviceName, 'is not the name of a device')),
      annotations,
      containerEdits,
    }),
  ),
  containerEdits: v.optional(containerEdits, {}),
});

/** What is to be done to a container. */
export interface CdiEdits {
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
  readonly intelRdt?: unknown;
  readonly netDevices: readonly unknown[];
}

/** A program that the helper runs at a moment of the container's life. */
export interface CdiHook {
  readonly hookName: keyof OciHooks;
  /** On the host; of startContainer in the container. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds; absent: the helper's own. */
  readonly timeout?: number | undefined;
}

/** A device node of an edit. */
export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath?: string | undefined;
  /** "" and 0 and 0: as the host path says. */
  readonly type: '' | 'b' | 'c' | 'u' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number | undefined;
  /** "" = all. */
  readonly permissions: string;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options: readonly string[];
  /** "" = a bind mount. */
  readonly type: string;
}

/** The content of a file, with the defaults of what it leaves out. */
export interface CdiDocument {
  /** `vendor/class`. */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits: CdiEdits }[];
  /** For a container with any of the devices. */
  readonly containerEdits: CdiEdits;
}

/** Checks the content of a file. Throws Error `field "…" …` with the first thing that is wrong. */
export function parseCdiDocument(content: unknown): CdiDocument {
  const result = v.safeParse(document, content, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    throw new Error(`field "${v.getDotPath(issue) ?? ''}": ${issue.message}`);
  }
  const names = new Set<string>();
  for (const { name } of result.output.devices) {
    if (names.has(name)) {
      throw new Error(`it has two devices "${name}"`);
    }
    names.add(name);
  }
  return result.output;
}

/** Whether a text is a qualified name, `vendor/class=device`. */
export function isQualifiedDevice(text: string): boolean {
  const at = text.indexOf('=');
  return at > 0 && kind.test(text.slice(0, at)) && deviceName.test(text.slice(at + 1));
}
