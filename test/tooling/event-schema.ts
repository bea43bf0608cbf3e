/**
 * Makes a JSON Schema (draft 2020-12) from a TypeScript type: what the compiler knows of
 * `TraceEvent`, with its comments as descriptions. It knows the kinds of types that events are made
 * of, and throws for others.
 */
import ts from 'typescript';

export type Schema = Record<string, unknown>;

export function schemaOfType(file: string, name: string): Schema {
  const program = ts.createProgram([file], {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  if (source === undefined) throw new Error(`no such file: ${file}`);
  const symbol = checker
    .getExportsOfModule(checker.getSymbolAtLocation(source)!)
    .find((s) => s.name === name);
  if (symbol === undefined) throw new Error(`${file} exports no ${name}`);
  return new Translator(checker).schema(checker.getDeclaredTypeOfSymbol(symbol));
}

class Translator {
  private readonly checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.checker = checker;
  }

  schema(type: ts.Type): Schema {
    const { flags } = type;
    if (flags & ts.TypeFlags.Null) return { type: 'null' };
    if (flags & ts.TypeFlags.BooleanLiteral)
      return { const: this.checker.typeToString(type) === 'true' };
    if (type.isLiteral()) return { const: type.value };
    if (flags & ts.TypeFlags.TemplateLiteral) return { type: 'string' };
    if (flags & ts.TypeFlags.String) return { type: 'string' };
    if (flags & ts.TypeFlags.Number) return { type: 'number' };
    if (type.isUnion()) return this.union(type);
    if (type.isIntersection()) return this.intersection(type);
    if (this.checker.isTupleType(type)) return this.tuple(type as ts.TypeReference);
    if (this.checker.isArrayType(type)) {
      const [item] = this.checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: this.schema(item!) };
    }
    if (flags & ts.TypeFlags.Object) return this.object(type);
    throw new Error(`no schema for the type ${this.checker.typeToString(type)}`);
  }

  private union(type: ts.UnionType): Schema {
    const types = type.types.filter((t) => !(t.flags & ts.TypeFlags.Undefined));
    const both = types.filter((t) => t.flags & ts.TypeFlags.BooleanLiteral).length === 2;
    const parts = types
      .filter((t) => !both || !(t.flags & ts.TypeFlags.BooleanLiteral))
      .map((t) => this.schema(t));
    if (both) parts.push({ type: 'boolean' });
    if (parts.length > 1 && parts.every((p) => 'const' in p))
      return { enum: parts.map((p) => p['const']).sort() };
    return parts.length === 1 ? parts[0]! : { anyOf: parts };
  }

  /** A number with a unit (base/units.ts) is a number; other intersections are objects. */
  private intersection(type: ts.IntersectionType): Schema {
    if (type.types.some((t) => t.flags & ts.TypeFlags.Number)) return { type: 'number' };
    return this.object(type);
  }

  private tuple(type: ts.TypeReference): Schema {
    const items = this.checker.getTypeArguments(type).map((t) => this.schema(t));
    return { type: 'array', prefixItems: items, minItems: items.length, maxItems: items.length };
  }

  private object(type: ts.Type): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.checker.getPropertiesOfType(type)) {
      const description = ts.displayPartsToString(property.getDocumentationComment(this.checker));
      const schema = this.schema(this.checker.getTypeOfSymbol(property));
      const text = description.replaceAll(/\s+/g, ' ');
      properties[property.name] = text === '' ? schema : { description: text, ...schema };
      if (!(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
    }
    return { type: 'object', properties, required };
  }
}
