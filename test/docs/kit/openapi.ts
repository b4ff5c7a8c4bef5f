import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { STATUS } from '../../../src/http/problem.ts';
import { PACKAGE_DIR } from '../../support/built-package.ts';

export const OPENAPI_TEXT = readFileSync(join(PACKAGE_DIR, 'docs/openapi.yaml'), 'utf8');

/** A directory of an unknown layout is refused at the start, a target by `backup`. */
const NEVER_ANSWERED = ['UNKNOWN_LAYOUT', 'INVALID_TARGET'];

/** The status of every problem that a request can get. */
export const PROBLEMS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(STATUS).filter(([code]) => !NEVER_ANSWERED.includes(code)),
);

type Json = Readonly<Record<string, unknown>>;
export interface EventKind {
  readonly id: boolean;
  readonly schema: object;
}
interface Media {
  readonly schema: object;
  readonly 'x-events'?: Readonly<Record<string, EventKind>>;
  readonly 'x-line'?: object;
}
interface HeaderRule {
  readonly required?: boolean;
  readonly schema: object;
}
interface ResponseRule {
  readonly description?: string;
  readonly headers?: Readonly<Record<string, HeaderRule>>;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: object;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, ResponseRule>>;
}

const ID = 'https://mailbox-chat.example/openapi.yaml';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** `docs/openapi.yaml`, to check requests and answers. Anything that the file does not name counts as wrong. */
export class OpenApi {
  readonly #file = closed(parse(OPENAPI_TEXT)) as Json;
  readonly #ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true, coerceTypes: false }));
  readonly #validators = new Map<object, ValidateFunction>();

  constructor() {
    this.#ajv.addSchema(this.#file, ID);
  }

  /** `GET /history`, … */
  get operations(): string[] {
    return Object.entries(this.#file['paths'] as Json).flatMap(([path, item]) =>
      METHODS.filter((method) => method in (item as Json)).map((method) => `${method.toUpperCase()} ${path}`),
    );
  }

  /** Every answer of an operation: its status, and for a problem each code: `200`, `400 INVALID_NAME`. */
  answersOf(operation: string): string[] {
    return Object.keys(this.#operation(operation).responses).flatMap((status) => {
      const { description = '' } = this.#response(operation, status);
      const codes = this.codes.filter((code) => new RegExp(`\\b${code}\\b`).test(description));
      return codes.length > 0 ? codes.map((code) => `${status} ${code}`) : [status];
    });
  }

  /** All codes that a problem may have. */
  get codes(): string[] {
    const { error } = (this.#resolve({ $ref: '#/components/schemas/Problem' }) as { properties: { error: Json } })
      .properties;
    return error['enum'] as string[];
  }

  /** The events of a media type of GET /status. */
  events(operation: string, type: string): Readonly<Record<string, EventKind>> {
    return this.#response(operation, '200').content![type]!['x-events']!;
  }

  line(operation: string, type: string): object {
    return this.#response(operation, '200').content![type]!['x-line']!;
  }

  /** What is wrong with a request. A request that succeeds must have nothing wrong. */
  complaintsAboutRequest(operation: string, { url, headers, body }: RequestParts): string[] {
    const { parameters = [], requestBody } = this.#operation(operation);
    const rules = parameters.map((each) => this.#resolve(each) as Parameter);
    const query = [...new URL(url).searchParams];
    const undeclared = query.filter(([name]) => !rules.some((rule) => rule.in === 'query' && rule.name === name));
    const wrong = query.flatMap(([name, value]) => {
      const rule = rules.find((each) => each.in === 'query' && each.name === name);
      return rule
        ? this.complaints(rule.schema, /^\d+$/.test(value) && isNumber(rule.schema) ? Number(value) : value)
        : [];
    });
    const needed = rules.filter((rule) => rule.required && rule.in !== 'path'); // without it, no route is found
    const missing = needed.filter(({ name }) => !query.some(([given]) => given === name));
    const type = headers['content-type']?.split(';')[0];
    const media = type === undefined ? undefined : requestBody?.content[type];
    const aboutBody =
      body === undefined ? [] : media ? this.complaints(media.schema, body) : [`undeclared body ${type}`];
    return [
      ...undeclared.map(([name]) => `undeclared parameter ${name}`),
      ...missing.map(({ name }) => `missing parameter ${name}`),
      ...wrong,
      ...aboutBody,
    ];
  }

  /** What is wrong with an answer: a status, type, header, code or field that the file does not name. */
  complaintsAboutAnswer(operation: string, { status, headers, body }: Answer): string[] {
    if (!(status in this.#operation(operation).responses)) return [`undeclared status ${status}`];
    return this.#complaintsAbout(this.#response(operation, String(status)), { status, headers, body });
  }

  /** The same for an answer that belongs to no operation: `MethodNotAllowed`. */
  complaintsAboutCommonAnswer(name: string, answer: Answer): string[] {
    return this.#complaintsAbout(this.#resolve({ $ref: `#/components/responses/${name}` }) as ResponseRule, answer);
  }

  complaints(schema: object, value: unknown): string[] {
    let validate = this.#validators.get(schema);
    if (!validate) {
      validate = this.#ajv.compile(withBase(schema) as object);
      this.#validators.set(schema, validate);
    }
    return validate(value) ? [] : [`${this.#ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`];
  }

  #complaintsAbout(rule: ResponseRule, { headers, body }: Answer): string[] {
    const type = headers.get('content-type')?.split(';')[0];
    const media = type === undefined ? undefined : rule.content?.[type];
    const aboutType =
      type === undefined ? (rule.content ? ['no Content-Type'] : []) : media ? [] : [`undeclared Content-Type ${type}`];
    const aboutHeaders = Object.entries(rule.headers ?? {}).flatMap(([name, reference]) => {
      const { required = false, schema } = this.#resolve(reference) as HeaderRule;
      const value = headers.get(name);
      if (value === null) return required ? [`no header ${name}`] : [];
      return this.complaints(schema, isNumber(schema) ? Number(value) : value).map((each) => `${name}: ${each}`);
    });
    const aboutBody = media && type === 'application/json' ? this.complaints(media.schema, body) : [];
    return [...aboutType, ...aboutHeaders, ...aboutBody];
  }

  #operation(name: string): Operation {
    const [method = '', path = ''] = name.split(' ');
    return (this.#file['paths'] as Record<string, Record<string, Operation>>)[path]![method.toLowerCase()]!;
  }

  /** With the operation's own description, which has the codes. */
  #response(operation: string, status: string): ResponseRule {
    const given = this.#operation(operation).responses[status]!;
    return { ...(this.#resolve(given) as ResponseRule), ...(given.description && { description: given.description }) };
  }

  #resolve(value: object): unknown {
    if (!('$ref' in value)) return value;
    const path = String(value.$ref).slice('#/'.length).split('/');
    return this.#resolve(path.reduce<unknown>((at, name) => (at as Json)[name], this.#file) as object);
  }
}

export interface RequestParts {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as its schema describes it: the fields, or the text. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

function isNumber(schema: object): boolean {
  return 'type' in schema && schema.type === 'integer';
}

/** Objects may have only fields that are named. Clients must accept others, but the file must name all. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, closed(each)]));
  return copy['type'] === 'object' && 'properties' in copy ? { additionalProperties: false, ...copy } : copy;
}

function withBase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, name === '$ref' ? ID + String(each) : withBase(each)]),
  );
}
