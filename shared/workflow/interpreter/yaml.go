package interpreter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	yamltoken "github.com/goccy/go-yaml/token"
)

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

func (k nodeKind) String() string { return [...]string{"a single value", "a list", "a map"}[k] }

// node is YAML without its notation.
type node struct {
	position
	kind   nodeKind
	v      any // a scalar
	quoted bool
	items  []*node
	keys   []*node // of a map, all strings; values are in items
}

// get gives the value of a key, nil when absent.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k.v == key {
			return n.items[i]
		}
	}
	return nil
}

// str gives a scalar string.
func (n *node) str() (string, bool) {
	s, ok := n.v.(string)
	return s, ok && n.kind == scalarNode
}

// finding is one thing wrong with a source.
type finding struct {
	position
	msg string
}

func (f finding) Error() string { return fmt.Sprintf("%d:%d: %s", f.line, f.col, f.msg) }

// parseYAML reads one document. The error is a finding.
func parseYAML(src []byte) (n *node, err error) {
	defer func() { // a parser that breaks on its input is a finding, not a crash
		if r := recover(); r != nil {
			n, err = nil, finding{position{1, 1}, "the file is not valid YAML"}
		}
	}()
	f, err := parser.ParseBytes(src, 0)
	if err != nil {
		var ye yaml.Error
		if errors.As(err, &ye) && ye.GetToken() != nil {
			return nil, finding{tokenAt(ye.GetToken()), ye.GetMessage()}
		}
		return nil, finding{position{1, 1}, "the file is not valid YAML: " + err.Error()}
	}
	var body ast.Node
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, finding{nodeAt(d.Body), "a workflow file holds one YAML document"}
		}
		body = d.Body
	}
	if body == nil {
		return nil, finding{position{1, 1}, "the file is empty"}
	}
	return convert(body, 0)
}

func tokenAt(t *yamltoken.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

func nodeAt(n ast.Node) position {
	switch x := n.(type) {
	case *ast.MappingNode:
		if len(x.Values) > 0 && !x.IsFlowStyle {
			return nodeAt(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return nodeAt(x.Key)
	}
	return tokenAt(n.GetToken())
}

// maxDepth bounds nesting, which the machine's stack does not.
const maxDepth = 100

func convert(y ast.Node, depth int) (*node, error) {
	n := &node{position: nodeAt(y)}
	if depth > maxDepth {
		return nil, finding{n.position, "the YAML is nested too deeply"}
	}
	switch x := y.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		n.v = x.Value
	case *ast.IntegerNode:
		switch i := x.Value.(type) {
		case int64:
			n.v = i
		case uint64:
			if i > 1<<63-1 {
				return nil, finding{n.position, fmt.Sprintf("%d does not fit a 64-bit integer", i)}
			}
			n.v = int64(i)
		}
	case *ast.FloatNode:
		n.v = x.Value
	case *ast.StringNode:
		n.v = x.Value
		n.quoted = x.Token.Type == yamltoken.DoubleQuoteType || x.Token.Type == yamltoken.SingleQuoteType
	case *ast.LiteralNode:
		n.v = x.Value.Value
	case *ast.SequenceNode:
		n.kind = listNode
		for _, v := range x.Values {
			c, err := convert(v, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, c)
		}
	case *ast.MappingNode:
		return n, n.entries(x.Values, depth)
	case *ast.MappingValueNode:
		return n, n.entries([]*ast.MappingValueNode{x}, depth)
	case *ast.AnchorNode, *ast.AliasNode:
		return nil, finding{n.position, "YAML anchors and aliases are not supported"}
	case *ast.TagNode:
		return nil, finding{n.position, "YAML tags are not supported"}
	default:
		return nil, finding{n.position, fmt.Sprintf("YAML %s is not supported", strings.ToLower(y.Type().String()))}
	}
	return n, nil
}

func (n *node) entries(values []*ast.MappingValueNode, depth int) error {
	n.kind = mapNode
	seen := map[string]bool{}
	for _, mv := range values {
		k := &node{position: nodeAt(mv.Key)}
		switch key := mv.Key.(type) {
		case *ast.StringNode:
			k.v = key.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			k.v = mv.Key.GetToken().Value
		default:
			return finding{k.position, "a map key is a plain string"}
		}
		if name := k.v.(string); seen[name] {
			return finding{k.position, fmt.Sprintf("key %q is there twice", name)}
		} else {
			seen[name] = true
		}
		v, err := convert(mv.Value, depth+1)
		if err != nil {
			return err
		}
		n.keys, n.items = append(n.keys, k), append(n.items, v)
	}
	return nil
}
