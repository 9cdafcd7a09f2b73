package googlesql

import (
	"errors"
	"fmt"

	g "github.com/goccy/go-googlesql"
)

// features are what BigQuery has and our statements use, no more: a statement that
// needs another is refused until the feature is found in BigQuery's documentation.
var features = []g.LanguageFeature{
	g.LanguageFeatureFeatureAnalyticFunctions,
	g.LanguageFeatureFeatureNumericType,
	g.LanguageFeatureFeatureBignumericType,
	g.LanguageFeatureFeatureJsonType,
	g.LanguageFeatureFeatureGeography,
	g.LanguageFeatureFeatureV12CivilTime,
	g.LanguageFeatureFeatureV12SafeFunctionCall,
	g.LanguageFeatureFeatureV11WithOnSubquery,
	g.LanguageFeatureFeatureV11NullHandlingModifierInAggregate,
	g.LanguageFeatureFeatureV11OrderByInAggregate,
	g.LanguageFeatureFeatureV11LimitInAggregate,
	g.LanguageFeatureFeatureV13Qualify,
	g.LanguageFeatureFeatureV13NullsFirstLastInOrderBy,
	g.LanguageFeatureFeatureNamedArguments,
	g.LanguageFeatureFeatureCreateTableNotNull,
}

// catalog is an analyzer and the tables declared so far. The handles of the library are
// freed by finalizers: what the analyzer points at is kept here.
type catalog struct {
	types    *g.TypeFactory
	root     *g.SimpleCatalog
	datasets map[string]*g.SimpleCatalog
	tables   map[string]bool // dataset.table
	kept     []any
}

func newCatalog() (*catalog, error) {
	c := &catalog{datasets: map[string]*g.SimpleCatalog{}, tables: map[string]bool{}}
	var err error
	if c.types, err = g.NewTypeFactory(); err != nil {
		return nil, err
	}
	if c.root, err = g.NewSimpleCatalog("project", c.types); err != nil {
		return nil, err
	}
	l, err := language()
	if err != nil {
		return nil, err
	}
	return c, c.root.AddBuiltinFunctionsAndTypes(&g.BuiltinFunctionOptions{LanguageOptions: l})
}

// language gives the language as BigQuery has it. Whoever takes it keeps it: the
// library moves its content there.
func language() (*g.LanguageOptions, error) {
	l, err := g.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	steps := []error{
		l.SetProductMode(g.ProductModeProductExternal),
		l.SetNameResolutionMode(g.NameResolutionModeNameResolutionDefault),
		l.SetSupportsAllStatementKinds(),
		l.EnableReservableKeyword("QUALIFY", true),
	}
	for _, f := range features {
		steps = append(steps, l.EnableLanguageFeature(f))
	}
	return l, errors.Join(steps...)
}

func options() (*g.AnalyzerOptions, error) {
	l, err := language()
	if err != nil {
		return nil, err
	}
	o, err := g.NewAnalyzerOptions2()
	if err != nil {
		return nil, err
	}
	return o, o.SetLanguage(l)
}

// typeOf reads the name of a type, e.g. ARRAY<STRING>.
func (c *catalog) typeOf(name string) (g.Googlesql_TypeNode, error) {
	o, err := options()
	if err != nil {
		return nil, err
	}
	return g.AnalyzeType(name, o, c.root, c.types)
}

// check analyses one statement or one script.
func (c *catalog) check(s statement) error {
	o, err := options()
	if err != nil {
		return err
	}
	for _, p := range s.params {
		t, err := c.typeOf(p.typ)
		if err != nil {
			return fmt.Errorf("the parameter @%s: %w", p.name, err)
		}
		if err := o.AddQueryParameter(p.name, t); err != nil {
			return err
		}
	}
	l, err := language()
	if err != nil {
		return err
	}
	po, err := g.NewParserOptions()
	if err != nil {
		return err
	}
	if err := po.SetLanguageOptions(l); err != nil {
		return err
	}
	out, err := g.ParseScript(s.text, po, &g.ErrorMessageOptions{Mode: g.ErrorMessageModeErrorMessageOneLine, Stability: g.ErrorMessageStabilityProduction})
	if err != nil {
		return err
	}
	script, err := out.Script()
	if err != nil {
		return err
	}
	list, err := script.StatementListNode()
	if err != nil {
		return err
	}
	return c.list(list, o, s)
}

// list analyses the statements of a script or of a branch, in order.
func (c *catalog) list(list *g.ASTStatementList, o *g.AnalyzerOptions, s statement) error {
	n, err := list.NumChildren()
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("no statement")
	}
	for i := range n {
		st, err := list.StatementList(i)
		if err != nil {
			return err
		}
		if err := c.one(st, o, s); err != nil {
			return err
		}
	}
	return nil
}

func (c *catalog) one(st g.ASTStatementNode, o *g.AnalyzerOptions, s statement) error {
	if branch, ok := st.(*g.ASTIfStatement); ok {
		return c.branch(branch, o, s)
	}
	out, err := g.AnalyzeStatementFromParserAST(st, o, s.text, c.root, c.types)
	if err != nil {
		return err
	}
	resolved, err := out.ResolvedStatement()
	if err != nil {
		return err
	}
	switch r := resolved.(type) {
	case *g.ResolvedCreateTableStmt:
		return c.declare(r)
	case *g.ResolvedQueryStmt:
		return c.gives(r, s.gives)
	}
	return nil
}

// branch analyses an IF … THEN … END IF: its condition, which must be BOOL, and its statements.
func (c *catalog) branch(st *g.ASTIfStatement, o *g.AnalyzerOptions, s statement) error {
	n, err := st.NumChildren()
	if err != nil {
		return err
	}
	if n != 2 {
		return fmt.Errorf("an IF has %d parts; only a condition and one branch are known here", n)
	}
	cond, err := st.Condition()
	if err != nil {
		return err
	}
	at, err := cond.Location()
	if err != nil {
		return err
	}
	text, err := at.GetTextFrom(s.text)
	if err != nil {
		return err
	}
	out, err := g.AnalyzeExpression(text, o, c.root, c.types)
	if err != nil {
		return err
	}
	expr, err := out.ResolvedExpr()
	if err != nil {
		return err
	}
	t, err := expr.Type()
	if err != nil {
		return err
	}
	ok, err := t.IsBool()
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("the condition %s is not BOOL", text)
	}
	then, err := st.ThenList()
	if err != nil {
		return err
	}
	return c.list(then, o, s)
}
