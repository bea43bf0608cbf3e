/**
 * Bans `<`, `<=`, `>`, `>=`, Math.min and Math.max on sequence numbers: they wrap (2^31 - 1 is
 * followed by -2^31), so only the helpers of base/seq.ts order them correctly.
 *
 * A sequence number is an expression declared as `Seq`, the result of a function that returns
 * `Seq`, a variable that gets its type from one, or a sum with one. If the type `Seq` is missing,
 * it is a number with one of the RFC's names for sequence numbers. The distance of two sequence
 * numbers (`seqDiff`) is a count and may be compared.
 */
const NAMES = new Set(['seq', 'ack', 'una', 'nxt', 'iss', 'irs', 'wl1', 'wl2', 'edge', 'recover']);
const ORDERING = new Set(['<', '<=', '>', '>=']);

export default {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      compare:
        '`{{text}}` is a sequence number, which wraps: use seqLt, seqLeq, seqGt or seqGeq of ' +
        'base/seq.ts, not `{{how}}`.',
    },
  },
  create(context) {
    const { sourceCode } = context;
    const services = sourceCode.parserServices;
    const checker = services.program.getTypeChecker();

    function isSeq(node) {
      switch (node.type) {
        case 'TSNonNullExpression':
        case 'TSAsExpression':
          return isSeq(node.expression);
        case 'BinaryExpression':
          return (
            (node.operator === '+' && (isSeq(node.left) || isSeq(node.right))) ||
            (node.operator === '-' && isSeq(node.left))
          );
        case 'ConditionalExpression':
          return isSeq(node.consequent) || isSeq(node.alternate);
        case 'AssignmentExpression':
          return isSeq(node.right);
        case 'CallExpression': {
          const signature = checker.getResolvedSignature(services.esTreeNodeToTSNodeMap.get(node));
          return signature?.declaration?.type?.getText() === 'Seq';
        }
        case 'Identifier':
          return isSeqSymbol(node, node);
        case 'MemberExpression':
          return (
            !node.computed &&
            node.property.type === 'Identifier' &&
            isSeqSymbol(node, node.property)
          );
        default:
          return false;
      }
    }

    function isSeqSymbol(node, name) {
      const tsNode = services.esTreeNodeToTSNodeMap.get(name);
      const declaration = checker.getSymbolAtLocation(tsNode)?.valueDeclaration;
      const said = declaration?.type?.getText();
      if (said === 'Seq') return true;
      if (said !== undefined && said !== 'number') return false;
      if (said === undefined && declaration?.initializer !== undefined) {
        const initializer = services.tsNodeToESTreeNodeMap.get(declaration.initializer);
        if (initializer !== undefined && isSeq(initializer)) return true;
      }
      const type = checker.typeToString(
        checker.getTypeAtLocation(services.esTreeNodeToTSNodeMap.get(node)),
      );
      return type === 'Seq' || (type === 'number' && NAMES.has(name.name));
    }

    function check(node, operand, how) {
      if (isSeq(operand))
        context.report({
          node,
          messageId: 'compare',
          data: { text: sourceCode.getText(operand), how },
        });
    }

    return {
      BinaryExpression(node) {
        if (!ORDERING.has(node.operator)) return;
        // One report per comparison, for the first operand that is a sequence number.
        check(node, isSeq(node.left) ? node.left : node.right, node.operator);
      },
      'CallExpression[callee.object.name="Math"][callee.property.name=/^(min|max)$/]'(node) {
        const first = node.arguments.find(
          (argument) => argument.type !== 'SpreadElement' && isSeq(argument),
        );
        if (first !== undefined) check(node, first, `Math.${node.callee.property.name}`);
      },
    };
  },
};
