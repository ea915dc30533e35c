// Image references as the distribution project defines them:
//
//   reference := name [ ":" tag ] [ "@" digest ]
//   name      := [ domain "/" ] path,  domain := host [ ":" port ]
//
// "Normalised" means with the defaults spelled out: docker.io as domain, library/ as its first path
// component, latest as tag.
import { CriError } from './error.ts';

/** A parsed reference; `tag` and `digest` are undefined where it has none. */
export interface Reference {
  /** Host with port, as written ("docker.io", "[::1]:5000"); "" in a name without domain. */
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const OFFICIAL_PREFIX = 'library/';
const MAX_PATH_LENGTH = 255;
const MAX_REFERENCE_LENGTH = 4096;

const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainName = `${domainComponent}(?:\\.${domainComponent})*`;
const ipv6 = '\\[(?:[a-fA-F0-9:]+)\\]';
const domain = `(?:${domainName}|${ipv6})(?::[0-9]+)?`;
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
const path = `${pathComponent}(?:/${pathComponent})*`;
const tag = '[\\w][\\w.-]{0,127}';
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';

const referencePattern = new RegExp(`^(?:(${domain})/)?(${path})(?::(${tag}))?(?:@(${digest}))?$`);
const hexId = /^[a-f0-9]{64}$/;
const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;

/** Says whether `text` is a digest of a supported algorithm (sha256, sha384, sha512), lower case. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

function invalid(text: string, why: string): CriError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return new CriError('InvalidArgument', `cannot parse image reference "${shown}": ${why}`);
}

/**
 * Parses a reference without filling in defaults. Throws InvalidArgument for everything the grammar
 * does not have, saying which rule is broken.
 */
export function parseReference(text: string): Reference {
  if (text === '') {
    throw invalid(text, 'it is empty');
  }
  if (text.length > MAX_REFERENCE_LENGTH) {
    throw invalid(text, `it is longer than ${MAX_REFERENCE_LENGTH} characters`);
  }
  const match = referencePattern.exec(text);
  if (match === null) {
    const lowerCaseWouldDo = referencePattern.test(text.toLowerCase());
    throw invalid(
      text,
      lowerCaseWouldDo ? 'the repository name must be lower case' : formError(text),
    );
  }
  const [, host = '', name = '', tagText, digestText] = match;
  if (name.length > MAX_PATH_LENGTH) {
    throw invalid(text, `the repository name is longer than ${MAX_PATH_LENGTH} characters`);
  }
  if (digestText !== undefined && !isDigest(digestText)) {
    throw invalid(
      text,
      `"${digestText}" is not a sha256, sha384 or sha512 digest of its full length`,
    );
  }
  return { domain: host, path: name, tag: tagText, digest: digestText };
}

function formError(text: string): string {
  if (/\s/.test(text)) {
    return 'it contains white space';
  }
  if (text.includes('://')) {
    return 'it must not have a scheme';
  }
  const [beforeDigest = '', ...digests] = text.split('@');
  if (digests.length > 0 && referencePattern.test(beforeDigest)) {
    return `"${digests.join('@')}" is not a digest`;
  }
  const colon = beforeDigest.lastIndexOf(':');
  if (
    colon > beforeDigest.lastIndexOf('/') &&
    referencePattern.test(beforeDigest.slice(0, colon))
  ) {
    return `"${beforeDigest.slice(colon + 1)}" is not a tag`;
  }
  return 'it is not of the form [host[:port]/]path[:tag][@digest]';
}

/** Splits off the domain, or fills in the default one, before the grammar is applied. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain =
    slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  let host = isDomain ? first : DEFAULT_DOMAIN;
  let rest = isDomain ? text.slice(slash + 1) : text;
  if (host === LEGACY_DEFAULT_DOMAIN) {
    host = DEFAULT_DOMAIN;
  }
  if (host === DEFAULT_DOMAIN && !rest.includes('/')) {
    rest = OFFICIAL_PREFIX + rest;
  }
  return { domain: host, rest };
}

/**
 * Parses a reference as users write it ("busybox", "localhost:5000/a:b") with the default domain and
 * path prefix filled in; the tag stays undefined where none is given.
 * Throws InvalidArgument, also for 64 hex digits, which are an id and never a name.
 */
export function parseNormalizedName(text: string): Reference {
  if (hexId.test(text)) {
    throw invalid(text, '64 hexadecimal digits are an image id, not a name');
  }
  if (text === '') {
    throw invalid(text, 'it is empty');
  }
  const { domain: host, rest } = splitDomain(text);
  const [remoteName = ''] = rest.split(/[:@]/, 1);
  if (remoteName.toLowerCase() !== remoteName) {
    throw invalid(text, 'the repository name must be lower case');
  }
  try {
    return parseReference(`${host}/${rest}`);
  } catch (error) {
    // The user's own words, not the ones with defaults, belong in the message.
    throw invalid(text, reasonIn(error));
  }
}

// What stands in a message of `invalid` behind the quoted text.
function reasonIn(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return message.slice(message.lastIndexOf('": ') + 3);
}

/** Says why `text` is no reference as parseImageReference takes them; "" when it is one. */
export function imageReferenceProblem(text: string): string {
  try {
    parseImageReference(text);
    return '';
  } catch (error) {
    return reasonIn(error);
  }
}

/**
 * Parses as the kubelet's references are meant: defaults filled in, "latest" when there is neither
 * tag nor digest, and the tag dropped when there is a digest (the digest alone decides).
 */
export function parseImageReference(text: string): Reference {
  const name = parseNormalizedName(text);
  if (name.digest !== undefined) {
    return { ...name, tag: undefined };
  }
  return { ...name, tag: name.tag ?? 'latest' };
}

/**
 * Parses a name that an archive gives to its image: normalised, "latest" when it has no tag, its
 * digest dropped. undefined for a name with digest and without tag.
 */
export function parseTag(text: string): string | undefined {
  const name = parseNormalizedName(text);
  if (name.tag === undefined && name.digest !== undefined) {
    return undefined;
  }
  return formatReference({ ...name, tag: name.tag ?? 'latest', digest: undefined });
}

/** The repository: domain and path, without tag and digest. */
export function repositoryOf(reference: Reference): string {
  return reference.domain === '' ? reference.path : `${reference.domain}/${reference.path}`;
}

/** Writes a reference back as text. */
export function formatReference(reference: Reference): string {
  const tagText = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digestText = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${repositoryOf(reference)}${tagText}${digestText}`;
}
