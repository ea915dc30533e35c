// The JSON documents of images, checked: OCI index, manifest and config, Docker's schema 2 forms of
// them, and docker save's manifest.json. Unknown fields are ignored, wrong shapes are refused.
import * as v from 'valibot';
import { CriError } from '../core/error.ts';
import { isDigest } from '../core/image-reference.ts';

const MAX_LAYERS = 250; // overlay's option page holds that many short layer names
const MAX_MANIFESTS = 1000;

export const indexTypes: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
export const manifestTypes: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const configTypes: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];
const layerTypes: readonly string[] = [
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
];

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant: string;
}

/** Points at a blob: media type, digest, size in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly manifests: readonly Descriptor[];
}

export interface ImageManifest {
  readonly config: Descriptor;
  /** Bottom to top. */
  readonly layers: readonly Descriptor[];
}

/** What an image says about its process; absent fields are "", [] and {}. Names as OCI has them. */
export interface ImageProcess {
  readonly User: string;
  readonly Env: string[];
  readonly Entrypoint: string[];
  readonly Cmd: string[];
  readonly WorkingDir: string;
  readonly Volumes: Record<string, unknown>;
  readonly ExposedPorts: Record<string, unknown>;
  readonly Labels: Record<string, string>;
  readonly StopSignal: string;
}

/** An OCI image config as far as a runtime needs it. */
export interface ImageConfig extends Platform {
  readonly created: string;
  readonly config: ImageProcess;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: string[] };
}

/** One image of docker save's manifest.json; paths inside the archive, layers bottom to top. */
export interface DockerImage {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

// As long as it likes: whoever fetches a document bounds it as a whole, and build tools write labels
// of hundreds of kilobytes.
const text = v.string();
const digest = v.pipe(text, v.check(isDigest, 'not a sha256, sha384 or sha512 digest'));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const optionalText = v.nullish(text, '');
// Go writes null for what is absent.
const stringMap = v.nullish(v.record(v.string(), text), {});
const stringList = v.nullish(v.array(text), []);

const platformSchema = v.object({
  architecture: optionalText,
  os: optionalText,
  variant: optionalText,
});

const descriptorSchema = v.object({
  mediaType: text,
  digest,
  size,
  platform: v.optional(platformSchema),
  annotations: stringMap,
});

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: optionalText,
  manifests: v.pipe(v.array(descriptorSchema), v.maxLength(MAX_MANIFESTS)),
});

const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: optionalText,
  config: descriptorSchema,
  layers: v.pipe(v.nullish(v.array(descriptorSchema), []), v.maxLength(MAX_LAYERS)),
});

const configSchema = v.object({
  architecture: optionalText,
  os: optionalText,
  variant: optionalText,
  created: v.nullish(text, ''),
  config: v.nullish(
    v.object({
      User: optionalText,
      Env: stringList,
      Entrypoint: stringList,
      Cmd: stringList,
      WorkingDir: optionalText,
      Volumes: v.nullish(v.record(v.string(), v.unknown()), {}),
      ExposedPorts: v.nullish(v.record(v.string(), v.unknown()), {}),
      Labels: stringMap,
      StopSignal: optionalText,
    }),
    {
      User: '',
      WorkingDir: '',
      StopSignal: '',
    },
  ),
  rootfs: v.object({
    type: v.literal('layers'),
    diff_ids: v.pipe(
      v.nullish(v.array(v.pipe(text, v.regex(/^sha256:[a-f0-9]{64}$/))), []),
      v.maxLength(MAX_LAYERS),
    ),
  }),
});

const dockerManifestSchema = v.pipe(
  v.array(v.object({ Config: text, RepoTags: stringList, Layers: v.nullish(v.array(text), []) })),
  v.minLength(1),
  v.maxLength(MAX_MANIFESTS),
);

function invalid(what: string, why: string): CriError {
  return new CriError('InvalidArgument', `cannot read ${what}: ${why}`);
}

function parseJson(bytes: Buffer, what: string, isStrict = true): unknown {
  try {
    const json = new TextDecoder('utf-8', { fatal: isStrict }).decode(bytes);
    return isStrict ? JSON.parse(json) : JSON.parse(json, wellFormed);
  } catch (cause) {
    throw new CriError('InvalidArgument', `cannot read ${what}: it is not JSON`, { cause });
  }
}

const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;

function check<T>(schema: v.GenericSchema<unknown, T>, value: unknown, what: string): T {
  const result = v.safeParse(schema, value);
  if (result.success) {
    return result.output;
  }
  const [issue] = result.issues;
  const at = v.getDotPath(issue);
  throw invalid(what, at === null ? issue.message : `field "${at}": ${issue.message}`);
}

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value;
}

/** A document must be what its media type says: one that could be read as both is an attack. */
function checkType(value: unknown, expected: string, forbidden: string[], what: string): void {
  const named = has(value, 'mediaType') ? (value as { mediaType: unknown }).mediaType : '';
  if (named !== '' && named !== expected) {
    throw invalid(what, `its mediaType is "${String(named)}", announced was "${expected}"`);
  }
  const wrong = forbidden.find((key) => has(value, key));
  if (wrong !== undefined) {
    throw invalid(what, `a "${expected}" has no field "${wrong}"`);
  }
}

/** Parses an index that was announced as `mediaType`; throws InvalidArgument naming the field. */
export function parseIndex(bytes: Buffer, mediaType: string, what: string): ImageIndex {
  const value = parseJson(bytes, what);
  checkType(value, mediaType, ['config', 'layers'], what);
  return check(indexSchema, value, what);
}

/**
 * Parses a manifest that was announced as `mediaType`. Throws InvalidArgument for a wrong shape and
 * Unimplemented, naming it, for a config or layer type that is not a container image's.
 */
export function parseManifest(bytes: Buffer, mediaType: string, what: string): ImageManifest {
  const value = parseJson(bytes, what);
  checkType(value, mediaType, ['manifests'], what);
  const manifest = check(manifestSchema, value, what);
  requireType(manifest.config.mediaType, configTypes, 'config', what);
  for (const layer of manifest.layers) {
    requireType(layer.mediaType, layerTypes, 'layer', what);
  }
  return manifest;
}

function requireType(type: string, known: readonly string[], part: string, what: string): void {
  if (!known.includes(type)) {
    const why = `the ${part} type "${type}" is not supported (not a container image's)`;
    throw new CriError('Unimplemented', `cannot use ${what}: ${why}`);
  }
}

/** Parses an image config; throws InvalidArgument naming the field that is wrong. */
export function parseImageConfig(bytes: Buffer, what: string): ImageConfig {
  // What is no text in it becomes U+FFFD, as for the Go programs that images are made and run by.
  return check(configSchema, parseJson(bytes, what, false), what);
}

/** Parses docker save's manifest.json; throws InvalidArgument naming the field that is wrong. */
export function parseDockerManifest(bytes: Buffer, what: string): readonly DockerImage[] {
  return check(dockerManifestSchema, parseJson(bytes, what), what);
}

/** Checks the `oci-layout` file; throws Unimplemented for a version other than 1.x. */
export function checkLayoutVersion(bytes: Buffer, what: string): void {
  const layout = check(v.object({ imageLayoutVersion: text }), parseJson(bytes, what), what);
  if (!/^1\.[0-9]+\.[0-9]+$/.test(layout.imageLayoutVersion)) {
    const why = `layout version "${layout.imageLayoutVersion}" is not supported`;
    throw new CriError('Unimplemented', `cannot read ${what}: ${why}`);
  }
}
