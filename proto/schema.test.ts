// CRI's wire schema is Kubernetes' to decide: a changed number or type here would be understood
// wrongly by every kubelet, without an error. So the .proto text is compared with a fingerprint
// always, and with the facts it was written from where they are at hand.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, 'cri/v1');
const shared = process.env['ESTIBA_SHARED'] ?? resolve(import.meta.dirname, '../../shared');
const factsFile = join(shared, 'reference/cri-v1-schema.json');

interface Facts {
  readonly messages: Record<string, Record<string, FieldFacts>>;
  readonly enums: Record<string, Record<string, number>>;
  readonly services: Record<string, Record<string, CallFacts>>;
}

interface FieldFacts {
  readonly number: number;
  readonly type: string;
  readonly repeated?: boolean;
  readonly deprecated?: boolean;
}

interface CallFacts {
  readonly request: string;
  readonly response: string;
  readonly server_streaming?: boolean;
}

interface Schema {
  readonly facts: Facts;
  /** Messages, enums and calls without a comment of their own. */
  readonly undocumented: readonly string[];
}

function parse(sources: ReadonlyMap<string, string>): Schema {
  const root = new protobuf.Root();
  for (const source of sources.values()) {
    protobuf.parse(source, root, { keepCase: true, alternateCommentMode: true });
  }
  root.resolveAll();
  const facts: Facts = { messages: {}, enums: {}, services: {} };
  const undocumented: string[] = [];
  const visit = (object: protobuf.ReflectionObject, name: string): void => {
    if (object.comment === null) {
      undocumented.push(name);
    }
    if (object instanceof protobuf.Enum) {
      facts.enums[name] = { ...object.values };
    } else if (object instanceof protobuf.Service) {
      facts.services[name] = callsOf(object, undocumented);
    } else if (object instanceof protobuf.Type) {
      facts.messages[name] = fieldsOf(object);
      object.nestedArray.forEach((nested) => visit(nested, `${name}.${nested.name}`));
    }
  };
  const namespace = root.lookup('runtime.v1');
  if (!(namespace instanceof protobuf.Namespace)) {
    throw new Error('cannot read schema: no package "runtime.v1"');
  }
  namespace.nestedArray.forEach((object) => visit(object, object.name));
  return { facts, undocumented };
}

function fieldsOf(type: protobuf.Type): Record<string, FieldFacts> {
  const fields: Record<string, FieldFacts> = {};
  for (const field of type.fieldsArray) {
    const isMap = field instanceof protobuf.MapField;
    fields[field.name] = {
      number: field.id,
      type: isMap ? `map<${field.keyType}, ${field.type}>` : field.type,
      repeated: !isMap && field.repeated,
      deprecated: field.options?.['deprecated'] === true,
    };
  }
  return fields;
}

function callsOf(service: protobuf.Service, undocumented: string[]): Record<string, CallFacts> {
  const calls: Record<string, CallFacts> = {};
  for (const call of service.methodsArray) {
    if (call.comment === null) {
      undocumented.push(`${service.name}.${call.name}`);
    }
    calls[call.name] = {
      request: call.requestType,
      response: call.responseType,
      server_streaming: call.responseStream === true,
    };
  }
  return calls;
}

/** One sorted line for each thing that is seen on the wire or that generated code is named after. */
function canonical({ messages, enums, services }: Facts): string[] {
  const lines: string[] = [];
  for (const [name, fields] of Object.entries(messages)) {
    lines.push(`message ${name}`);
    for (const [field, { number, type, repeated, deprecated }] of Object.entries(fields)) {
      const label = `${repeated ? ' repeated' : ''}${deprecated ? ' deprecated' : ''}`;
      lines.push(`field ${name}.${field} ${number} ${type}${label}`);
    }
  }
  for (const [name, values] of Object.entries(enums)) {
    lines.push(`enum ${name}`);
    for (const [value, number] of Object.entries(values)) {
      lines.push(`value ${name}.${value} ${number}`);
    }
  }
  for (const [name, calls] of Object.entries(services)) {
    lines.push(`service ${name}`);
    for (const [call, { request, response, server_streaming: stream }] of Object.entries(calls)) {
      lines.push(`call ${name}.${call} ${request} ${stream ? 'stream ' : ''}${response}`);
    }
  }
  return lines.sort();
}

function fingerprint(facts: Facts): string {
  return createHash('sha256').update(canonical(facts).join('\n')).digest('hex');
}

function readSources(): Map<string, string> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.proto'));
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

describe('the CRI v1 schema', () => {
  const sources = readSources();
  const { facts, undocumented } = parse(sources);

  it('has 175 messages, 11 enums and 43 calls', () => {
    expect(Object.keys(facts.messages)).toHaveLength(175);
    expect(Object.keys(facts.enums)).toHaveLength(11);
    const calls = Object.values(facts.services).map((service) => Object.keys(service).length);
    expect(calls).toEqual([37, 6]);
  });

  it('has the committed fingerprint', () => {
    const committed = readFileSync(join(folder, 'fingerprint.txt'), 'utf8').trim();
    expect(fingerprint(facts), 'if the change is meant, put this into fingerprint.txt').toBe(
      committed,
    );
  });

  it('equals the facts it was written from', (test) => {
    if (!existsSync(factsFile)) {
      test.skip('no reference/cri-v1-schema.json in ../shared or in $ESTIBA_SHARED');
    }
    const reference: Facts = JSON.parse(readFileSync(factsFile, 'utf8'));
    expect(canonical(facts)).toEqual(canonical(reference));
  });

  it('says of every message, enum and call what it is for', () => {
    expect(undocumented).toEqual([]);
  });

  it.each([
    ['another field number', 'string runtime_handler = 2;', 'string runtime_handler = 3;'],
    ['another type', 'string runtime_handler = 2;', 'bytes runtime_handler = 2;'],
    ['another name', 'string runtime_handler = 2;', 'string handler = 2;'],
    ['another label', 'string runtime_handler = 2;', 'repeated string runtime_handler = 2;'],
    ['another enum value', 'SANDBOX_NOTREADY = 1;', 'SANDBOX_NOTREADY = 2;'],
  ])('gets another fingerprint by %s', (_change, from, to) => {
    const source = sources.get('sandbox.proto') ?? '';
    expect(source).toContain(from);
    const changed = new Map(sources).set('sandbox.proto', source.replace(from, to));
    expect(fingerprint(parse(changed).facts)).not.toBe(fingerprint(facts));
  });
});
