package dataset

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// readiness scores a profile: 100 points less the penalties. Checks and figures
// of the classic list (rows per entity, entities, sparsity, span) are the
// product's specification; the rest of the checks follow it.
func (a *analysis) readiness(p *Profile) {
	p.Findings = []Finding{}
	add := func(severity, code string, penalty int, next, why, format string, args ...any) {
		p.Findings = append(p.Findings, Finding{Severity: severity, Code: code, Message: fmt.Sprintf(format, args...), Why: why, Next: next, Penalty: penalty})
	}
	block := func(code, next, why, format string, args ...any) {
		add("blocking", code, 100, next, why, format, args...)
	}
	warn := func(penalty int, code, next, why, format string, args ...any) {
		add("warning", code, penalty, next, why, format, args...)
	}
	info := func(code, next, why, format string, args ...any) { add("info", code, 0, next, why, format, args...) }

	rows := float64(p.Rows)
	switch {
	case p.Rows == 0:
		block("no_rows", "Widen the date filter, or load data.", "there is nothing to learn from", "the dataset has no rows")
	case p.Customers < 2:
		block("customers", "Check the customer column.", "recommendations need customers who differ", "the dataset has %s customers", count(p.Customers))
	case p.Products < 2:
		block("products", "Check the product column.", "recommendations need products to choose from", "the dataset has %s products", count(p.Products))
	default:
		a.classic(p, warn)
	}
	if p.Rows > 0 {
		a.absent(p, warn, info)
		a.time(p, warn, info)
		if a.negativeShare > 0 {
			penalty := 0
			if a.negativeShare > 0.05 {
				penalty = 5
			}
			warn(penalty, "negative_value", "Keep positive values only.", "returns count as purchases", "%s of the value is in rows of zero or less", percent(a.negativeShare))
		}
		if share := float64(a.duplicates) / rows; share > 0.01 {
			warn(min(10, int(math.Ceil(share*20))), "duplicates", "Check whether the source sends rows twice.", "repeated rows weigh more than they should",
				"%s (%s) repeat customer, product, time and value", rowCount(a.duplicates), percent(share))
		}
		if share := float64(a.topProduct) / rows; share > 0.2 {
			warn(5, "concentration", "Consider leaving that product out.", "one product dominates what the model sees", "the most frequent product has %s of the rows", percent(share))
		}
	}
	a.joins(p, warn, info)
	p.Score = 100
	blocked := false
	for _, f := range p.Findings {
		p.Score -= f.Penalty
		blocked = blocked || f.Severity == "blocking"
	}
	p.Score = max(p.Score, 0)
	switch {
	case blocked:
		p.Score, p.Rating = 0, "blocked"
	case p.Score >= 80:
		p.Rating = "excellent"
	case p.Score >= 60:
		p.Rating = "good"
	case p.Score >= 40:
		p.Rating = "fair"
	default:
		p.Rating = "poor"
	}
	rank := map[string]int{"blocking": 0, "warning": 1, "info": 2}
	slices.SortStableFunc(p.Findings, func(x, y Finding) int {
		if rank[x.Severity] != rank[y.Severity] {
			return rank[x.Severity] - rank[y.Severity]
		}
		return y.Penalty - x.Penalty
	})
}

type finder func(penalty int, code, next, why, format string, args ...any)
type teller func(code, next, why, format string, args ...any)

// classic is the specified list.
func (a *analysis) classic(p *Profile, warn finder) {
	rows := float64(p.Rows)
	if per := rows / float64(p.Customers); per < 2 {
		warn(15, "rows_per_customer", "Use a longer history.", "the model learns little about most customers", "a customer has %.1f rows on average", per)
	}
	if per := rows / float64(p.Products); per < 5 {
		warn(10, "rows_per_product", "Use a longer history, or fewer products.", "the model learns little about most products", "a product has %.1f rows on average", per)
	}
	if p.Customers < 100 {
		warn(20, "few_customers", "Load more customers.", "tastes of few customers do not generalise", "the dataset has %s customers", count(p.Customers))
	}
	if p.Products < 50 {
		warn(15, "few_products", "Load more products.", "a short list needs no model to choose from", "the dataset has %s products", count(p.Products))
	}
	sparsity := 1 - float64(p.Pairs)/(float64(p.Customers)*float64(p.Products))
	switch {
	case sparsity > 0.9999:
		warn(20, "sparsity", "Use a longer history, or features of customers and products.", "most of what could be bought was never seen", "%.3f %% of all customer–product pairs are empty", 100*sparsity)
	case sparsity > 0.999:
		warn(10, "sparsity", "Use a longer history, or features of customers and products.", "most of what could be bought was never seen", "%.2f %% of all customer–product pairs are empty", 100*sparsity)
	}
	if share := float64(a.singles) / float64(p.Customers); share > 0.5 {
		warn(5, "single_rows", "Use a longer history.", "a customer with one row cannot be both learned and tested", "%s of the customers have one row", percent(share))
	}
}

// absent reports rows without ids: training leaves them out.
func (a *analysis) absent(p *Profile, warn finder, info teller) {
	for _, x := range []struct {
		role Role
		n    int64
	}{{Customer, a.noCustomer}, {Product, a.noProduct}} {
		share := float64(x.n) / float64(p.Rows)
		switch {
		case share > 0.05:
			warn(min(20, int(math.Ceil(share*20))), "no_"+string(x.role), "Check the column at the source.", "training leaves these rows out", "%s (%s) without a %s", rowCount(x.n), percent(share), x.role)
		case x.n > 0:
			info("no_"+string(x.role), "", "training leaves these rows out", "%s (%s) without a %s", rowCount(x.n), percent(share), x.role)
		}
	}
}

// time reports the span and the dates that cannot be.
func (a *analysis) time(p *Profile, warn finder, info teller) {
	if a.missing {
		warn(10, "no_time", "Give the dataset a time column.", "only a random split is possible, and it flatters the figures", "the dataset has no time column")
		return
	}
	from, err1 := time.Parse(time.DateOnly, p.From)
	to, err2 := time.Parse(time.DateOnly, p.To)
	if err1 == nil && err2 == nil {
		switch days := int(to.Sub(from).Hours()/24) + 1; {
		case days < 30:
			warn(15, "short_span", "Load a longer history.", "a few days show no habits", "the data span %d days", days)
		case days < 90:
			warn(5, "short_span", "Load a longer history.", "seasons stay unseen", "the data span %d days", days)
		}
	}
	if a.noTime > 0 {
		info("null_time", "Check the column at the source.", "a temporal split leaves these rows out", "%s without a usable time", rowCount(a.noTime))
	}
	if a.future > 0 {
		warn(5, "future_dates", "Check the dates at the source.", "a temporal split leaves single future rows out", "%s in the future", rowCount(a.future))
	}
}

func (a *analysis) joins(p *Profile, warn finder, info teller) {
	for i, j := range a.def.Joins {
		if p.Rows > 0 && i < len(a.matched) {
			share := float64(a.matched[i]) / float64(p.Rows)
			switch {
			case share < 0.5:
				warn(10, "join_match", "Check the keys of the join.", "its columns are mostly empty", "%s of the rows find a partner in %s", percent(share), j.Table)
			case share < 0.95:
				warn(3, "join_match", "Check the keys of the join.", "its columns are empty in the other rows", "%s of the rows find a partner in %s", percent(share), j.Table)
			case share < 1:
				info("join_match", "", "its columns are empty in the other rows", "%s of the rows find a partner in %s", percent(share), j.Table)
			}
		}
		if i < len(a.fanOut) && a.fanOut[i].Rows > a.fanOut[i].Distinct {
			f := a.fanOut[i].Factor()
			switch j.FanOut {
			case FanOutBlock:
				p.Findings = append(p.Findings, Finding{Severity: "blocking", Code: "fan_out", Penalty: 100, Next: "Choose another key, or keep one row per key.", Why: "every row would be multiplied",
					Message: fmt.Sprintf("%s has %.2f rows per key", j.Table, f)})
			case FanOutAccept:
				warn(10, "fan_out", "Keep one row per key.", "rows are multiplied, and with them counts and sums", "%s has %.2f rows per key", j.Table, f)
			default:
				info("fan_out", "", "one row per key is kept", "%s has %.2f rows per key", j.Table, f)
			}
		}
	}
}

// percent writes a share with one decimal, and never a share that is not whole as 100 %.
func percent(share float64) string {
	p := share * 100
	if p < 100 && p > 99.9 {
		p = 99.9
	}
	if p > 0 && p < 0.1 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

func rowCount(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return count(n) + " rows"
}

// count writes a number with thousands separators.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
