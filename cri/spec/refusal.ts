// How this folder says no: one wording, with the offending value quoted so that no byte is hidden.
import { CriError } from '../core/error.ts';

const longestQuote = 200;

/** The value in double quotes with control characters escaped, cut when very long. */
export function quote(value: string): string {
  const shown = value.length > longestQuote ? `${value.slice(0, longestQuote)}…` : value;
  return JSON.stringify(shown);
}

/** InvalidArgument: `cannot <action>: <why>`. */
export function refused(action: string, why: string): CriError {
  return new CriError('InvalidArgument', `cannot ${action}: ${why}`);
}

/** FailedPrecondition: the request is fine, this host cannot serve it. */
export function notOnThisHost(action: string, why: string): CriError {
  return new CriError('FailedPrecondition', `cannot ${action}: ${why}`);
}

/** Unimplemented, naming the feature. */
export function unimplemented(action: string, feature: string): CriError {
  return new CriError('Unimplemented', `cannot ${action}: ${feature} not implemented`);
}
