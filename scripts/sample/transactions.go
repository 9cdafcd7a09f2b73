package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	tasteWeight   = 1.9   // how strongly taste decides against popularity
	repeatShare   = 0.16  // lines that buy again what the customer bought before
	returnShare   = 0.012 // lines that send goods back
	missingShare  = 0.008 // lines without a customer
	linesPerOrder = 4
)

// Transactions calls fn for every order line, ordered by customer, not by time,
// as many as the options say. The same company gives the same lines each time.
func (c *Company) Transactions(fn func(Transaction) error) error {
	r := rand.New(rand.NewPCG(c.options.Seed, 0xd1b54a32d192ed03))
	start := c.options.End.AddDate(-2, 0, 0)
	days := int(c.options.End.Sub(start).Hours()/24) + 1
	weights := dayWeights(start, days)
	shares := activity(r, len(c.Customers), c.options.Transactions)
	cumulative := make([]float64, len(c.Products))
	var id int64
	for i, cust := range c.Customers {
		first := max(0, int(cust.Since.Sub(start).Hours()/24))
		sum := 0.0
		for j, p := range c.Products {
			sum += math.Exp(p.popularity + tasteWeight*cust.taste.dot(p.character))
			cumulative[j] = sum
		}
		var bought []int
		var at time.Time
		order := ""
		for n := range shares[i] {
			if n%linesPerOrder == 0 {
				day := drawDay(r, weights, first)
				at = start.AddDate(0, 0, day).Add(7*time.Hour + time.Duration(r.IntN(11*3600))*time.Second)
				order = fmt.Sprintf("SO-%d-%d", i, n/linesPerOrder)
			}
			id++
			j := c.pick(r, cumulative, bought, at)
			bought = append(bought, j)
			if err := fn(c.line(r, id, order, cust, j, at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// pick chooses a product that exists at the time and is in season.
func (c *Company) pick(r *rand.Rand, cumulative []float64, bought []int, at time.Time) int {
	if len(bought) > 0 && r.Float64() < repeatShare {
		j := bought[r.IntN(len(bought))]
		if !c.Products[j].Introduced.After(at) {
			return j
		}
	}
	total := cumulative[len(cumulative)-1]
	for {
		j, _ := slices.BinarySearch(cumulative, r.Float64()*total)
		j = min(j, len(cumulative)-1)
		p := c.Products[j]
		if !p.Introduced.After(at) && r.Float64()*1.6 < season(p.category, at) {
			return j
		}
	}
}

func (c *Company) line(r *rand.Rand, id int64, order string, cust Customer, j int, at time.Time) Transaction {
	p := c.Products[j]
	quantity := int64(1 + math.Floor(math.Exp(1.1*math.Abs(r.NormFloat64()))))
	t := Transaction{
		ID: id, Order: order, Customer: cust.No, Product: p.No, At: at, Quantity: quantity,
		UnitPrice: math.Round(p.Price*(0.9+0.2*r.Float64())*100) / 100,
		Channel:   []string{"web", "web", "sales", "edi", "phone"}[r.IntN(5)],
	}
	if r.Float64() < returnShare {
		t.Quantity = -t.Quantity
	}
	if r.Float64() < missingShare {
		t.Customer = ""
	}
	return t
}

// activity shares n lines among the customers, log-normally, at least two each.
func activity(r *rand.Rand, customers, n int) []int {
	w := make([]float64, customers)
	sum := 0.0
	for i := range w {
		w[i] = math.Exp(0.8 * r.NormFloat64())
		sum += w[i]
	}
	out := make([]int, customers)
	left := n
	for i := range out {
		out[i] = min(left, max(2, int(math.Round(w[i]/sum*float64(n)))))
		left -= out[i]
	}
	for i := 0; left > 0; i = (i + 1) % customers { // rounding leaves a few
		out[i]++
		left--
	}
	return out
}

// dayWeights: few orders at weekends, a trough in summer, a peak before year's end.
func dayWeights(start time.Time, days int) []float64 {
	out := make([]float64, days)
	sum := 0.0
	for i := range out {
		d := start.AddDate(0, 0, i)
		w := 1 + 0.25*math.Cos(2*math.Pi*float64(d.YearDay()-325)/365)
		if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			w *= 0.12
		}
		sum += w
		out[i] = sum
	}
	return out
}

func drawDay(r *rand.Rand, cumulative []float64, first int) int {
	low := 0.0
	if first > 0 {
		low = cumulative[min(first, len(cumulative)-2)]
	}
	i, _ := slices.BinarySearch(cumulative, low+r.Float64()*(cumulative[len(cumulative)-1]-low))
	return min(i, len(cumulative)-1)
}

// season gives a category's factor of the month, 0.4 to 1.6.
func season(category int, at time.Time) float64 {
	phase := 2 * math.Pi * (float64(at.YearDay())/365 - float64(category)/float64(len(catalogue)))
	return 1 + 0.6*math.Cos(phase)
}
