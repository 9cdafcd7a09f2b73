package codegen

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/b2brecs/b2brecs/shared/model"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

//go:embed templates/*.tmpl
var templateFiles embed.FS

// Templates see text of people only through lit and comment; every other helper
// gives Python built from synthetic keys, numbers and closed sets.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"lit": Literal, "float": Float, "bool": boolean,
	"comment":  func(s string) string { return comment(s, 24) },
	"bounds":   bounds,
	"forms":    forms,
	"variable": variable,
	"source":   source,
	"scaled":   scaled,
	"phase":    phase,
	"result":   result,
	"layer":    layer,
	"part":     part,
	"table":    table,
	"applied":  applied,
	"pin":      pin,
	"towers":   func(p *Program) []*Tower { return []*Tower{&p.Query, &p.Candidate} },
	"typename": func(t warehouse.Type) string { return string(t) },
	"class":    func(t *Tower) string { return strings.ToUpper(t.Name[:1]) + t.Name[1:] + "Tower" },
	"side": func(t *Tower) string {
		return map[string]string{"query": "The customer side", "candidate": "The product side"}[t.Name]
	},
	"crosslabel": func(x Cross) string { return crossName(x) },
	"threshold":  func(n int) int { return map[bool]int{true: n}[n > 1] },
	"optional":   optional,
}).ParseFS(templateFiles, "templates/*.tmpl"))

// uses says which helpers a module needs.
type uses struct {
	Number, Time, Days, Log, ZScore, MinMax, Cycle, Calendar, Cross, Boundaries, Floats bool
}

type view struct {
	Version, Hash   string
	Features, Model Pin
	Program         *Program
	Uses            uses
}

func emit(in Input, p *Program, hash string) (transform, trainer string, err error) {
	v := view{Version: Version, Hash: hash, Features: in.FeatureConfig, Model: in.ModelConfig, Program: p, Uses: used(p)}
	render := func(name string) string {
		var b strings.Builder
		if e := templates.ExecuteTemplate(&b, name, v); e != nil && err == nil {
			err = e
		}
		return b.String()
	}
	transform, trainer = render("transform.py.tmpl"), render("trainer.py.tmpl")
	return transform, trainer, err
}

// pin names a configuration in a docstring.
func pin(p Pin) string {
	if p.ID == "" {
		return "not saved yet"
	}
	return fmt.Sprintf("%s, version %d", comment(p.ID, 60), p.Version)
}

func used(p *Program) uses {
	u := uses{Cross: len(p.Query.Crosses)+len(p.Candidate.Crosses) > 0}
	for _, c := range p.Columns {
		for _, f := range forms(c) {
			u.Number = u.Number || f == "number"
			u.Time = u.Time || f == "seconds"
		}
		for _, op := range c.Ops {
			u.Days = u.Days || op.Temporal && op.Kind != Cycle
			u.Log = u.Log || strings.HasPrefix(op.Scale, "log_")
			u.ZScore = u.ZScore || strings.HasSuffix(op.Scale, "zscore")
			u.MinMax = u.MinMax || strings.HasSuffix(op.Scale, "minmax")
			u.Cycle = u.Cycle || op.Kind == Cycle
			u.Calendar = u.Calendar || slices.Contains([]string{"yearly", "quarterly", "monthly"}, op.Period)
			u.Boundaries = u.Boundaries || op.Kind == Boundaries
		}
	}
	for _, t := range []*Tower{&p.Query, &p.Candidate} {
		u.Floats = u.Floats || slices.ContainsFunc(t.Inputs, func(in TowerInput) bool { return !in.Embed })
	}
	return u
}

// form is the helper that reads a column for an operation.
func form(op *Op) string {
	switch {
	case op.Kind == Vocabulary:
		return "text"
	case op.Temporal:
		return "seconds"
	}
	return "number"
}

// forms of a column, in order of need.
func forms(c *Column) []string {
	var out []string
	for _, op := range c.Ops {
		if f := form(op); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// variable holds a column in one form: f00, or f00_text where it has several.
func variable(c *Column, form string) string {
	if len(forms(c)) == 1 {
		return c.Key
	}
	return c.Key + "_" + form
}

// source is the value an operation reads; times are counted in days, except by cycles.
func source(c *Column, op *Op) string {
	v := variable(c, form(op))
	if op.Temporal && op.Kind != Cycle {
		return "days(" + v + ")"
	}
	return v
}

func scaled(c *Column, op *Op) string {
	x := source(c, op)
	if strings.HasPrefix(op.Scale, "log_") {
		x = "log(" + x + ")"
	}
	if len(op.Range) == 2 {
		return fmt.Sprintf("min_max(%s, %s, %s)", x, Float(op.Range[0]), Float(op.Range[1]))
	}
	return "z_score(" + x + ")"
}

func phase(c *Column, op *Op) string {
	x := source(c, op)
	switch op.Period {
	case "yearly":
		return "calendar(" + x + ", 12, unit=1)"
	case "quarterly":
		return "calendar(" + x + ", 3)"
	case "monthly":
		return "calendar(" + x + ", 1)"
	case "weekly": // 1970-01-01 was a Thursday; Monday is 0
		return "(" + x + " // 86400 + 3) % 7 / 7"
	}
	return x + " % 86400 / 86400"
}

// result is where an operation's value goes.
func result(op *Op) string {
	if op.Local {
		return op.Key
	}
	return "out[" + Literal(op.Key) + "]"
}

func crossName(x Cross) string {
	var names []string
	for _, m := range x.Members {
		names = append(names, m.Column.Name)
	}
	return strings.Join(names, " x ")
}

func bounds(values []float64) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Float(v))
	}
	return Literal("[" + b.String() + "]")
}

// optional gives None for 0.
func optional(n int) string {
	if n == 0 {
		return "None"
	}
	return fmt.Sprint(n)
}

// table is the statement that makes an input's embedding.
func table(tower string, in TowerInput) string {
	rows := fmt.Sprint(in.Rows)
	if in.Vocab != "" {
		rows = fmt.Sprintf("vocabulary_size[%s] + %d", Literal(in.Vocab), in.Rows)
	}
	return call(8, "self."+in.Key+" = embedding", []string{Literal(tower + "_" + in.Key), rows, fmt.Sprint(in.Dim)}, "")
}

// applied is one cross as a statement.
func applied(x Cross) string {
	var parts []string
	for _, m := range x.Members {
		if m.Bucket != nil {
			parts = append(parts, result(m.Bucket))
			continue
		}
		parts = append(parts, variable(m.Column, "text"))
	}
	return call(4, "out["+Literal(x.Key)+"] = cross", []string{"[" + strings.Join(parts, ", ") + "]", fmt.Sprint(x.Buckets)}, "")
}

func part(in TowerInput) string {
	key := "features[" + Literal(in.Key) + "]"
	if in.Embed {
		return "self." + in.Key + "(" + key + ")"
	}
	return "column(" + key + ")"
}

// layer is a Keras constructor. Types and activations come from closed sets
// that model.Check enforces.
func layer(tower string, i int, l model.Layer) string {
	name := fmt.Sprintf("name=\"%s_%s_%d\"", tower, l.Type, i)
	switch l.Type {
	case "dense":
		args := []string{fmt.Sprint(l.Units)}
		if l.Activation != "" && l.Activation != "linear" {
			args = append(args, "activation="+activation(l.Activation))
		}
		if l.L1 > 0 || l.L2 > 0 {
			args = append(args, fmt.Sprintf("kernel_regularizer=tf.keras.regularizers.L1L2(l1=%s, l2=%s)", Float(l.L1), Float(l.L2)))
		}
		return call(16, "tf.keras.layers.Dense", append(args, name), ",")
	case "dropout":
		return call(16, "tf.keras.layers.Dropout", []string{Float(l.Rate), name}, ",")
	case "batch_norm":
		return call(16, "tf.keras.layers.BatchNormalization", []string{name}, ",")
	}
	epsilon := l.Epsilon
	if epsilon == 0 {
		epsilon = 1e-6
	}
	return call(16, "tf.keras.layers.LayerNormalization", []string{"epsilon=" + Float(epsilon), name}, ",")
}

// activation: leaky_relu is not among Keras 2's names.
func activation(name string) string {
	if name == "leaky_relu" {
		return "tf.nn.leaky_relu"
	}
	return Literal(name)
}

// call formats "head(args)tail" as ruff does at a width of 88 and an indent.
func call(indent int, head string, args []string, tail string) string {
	joined := strings.Join(args, ", ")
	if indent+len(head)+len(joined)+len(tail)+2 <= 88 {
		return head + "(" + joined + ")" + tail
	}
	outer, inner := "\n"+strings.Repeat(" ", indent), "\n"+strings.Repeat(" ", indent+4)
	if indent+4+len(joined) <= 88 {
		return head + "(" + inner + joined + outer + ")" + tail
	}
	return head + "(" + inner + strings.Join(args, ","+inner) + "," + outer + ")" + tail
}

// manifestFile is manifest.json.
type manifestFile struct {
	Generator string              `json:"generator"`
	Features  Pin                 `json:"feature_config"`
	Model     Pin                 `json:"model_config"`
	Hash      string              `json:"hash"`
	Columns   map[string]string   `json:"columns"` // f00 -> column
	Keys      map[string]string   `json:"keys"`    // every transformed key -> what it is made of
	Towers    map[string][]string `json:"towers"`  // tower -> keys in input order
	Lines     map[string]int      `json:"lines"`
	Warnings  []string            `json:"warnings"`
}

func manifest(in Input, p *Program, out Output) []byte {
	m := manifestFile{
		Generator: Version, Features: in.FeatureConfig, Model: in.ModelConfig, Hash: out.Hash,
		Columns: map[string]string{}, Keys: map[string]string{}, Towers: map[string][]string{},
		Lines:    map[string]int{"transform_module.py": strings.Count(out.Transform, "\n"), "trainer_module.py": strings.Count(out.Trainer, "\n")},
		Warnings: append([]string{}, out.Warnings...),
	}
	for _, c := range p.Columns {
		m.Columns[c.Key] = c.Name
	}
	for _, t := range []*Tower{&p.Query, &p.Candidate} {
		for _, i := range t.Inputs {
			m.Keys[i.Key] = i.Label
			m.Towers[t.Name] = append(m.Towers[t.Name], i.Key)
		}
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil { // strings and numbers only
		panic(err)
	}
	return append(data, '\n')
}
