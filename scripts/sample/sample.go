// Package sample makes the transactions of a believable wholesale company, the
// same ones for the same seed: customers with segment, city and size; products
// with category, subcategory, brand and price; two years of orders with seasons,
// weekdays, returns, orders without a customer, and products that arrive later.
//
// Every customer has a latent taste: a point near its segment's. Every product
// has a latent character near its subcategory's. The chance of a purchase grows
// with popularity and with exp(taste · character), so a model that learns taste
// beats a best-seller list by a margin that is known to exist.
package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Options of a data set.
type Options struct {
	Seed         uint64
	Customers    int
	Products     int
	Transactions int
	// End is the last day; data begins two years before.
	End time.Time
}

// Size gives the options of a named size: "small" (100,000 transactions) or
// "large" (5,000,000).
func Size(name string) (Options, error) {
	o := Options{Seed: 7, End: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)}
	switch name {
	case "small":
		o.Customers, o.Products, o.Transactions = 5_000, 2_000, 100_000
	case "large":
		o.Customers, o.Products, o.Transactions = 50_000, 5_000, 5_000_000
	default:
		return o, fmt.Errorf("there is no sample size %q: use small or large", name)
	}
	return o, nil
}

// Product of the catalogue.
type Product struct {
	No, Name, Category, Subcategory, Brand string
	Price                                  float64
	Introduced                             time.Time

	character  vector
	popularity float64
	category   int
}

// Customer of the company.
type Customer struct {
	No, Company, Segment, City, Country, Size string
	Since                                     time.Time

	taste vector
}

// Transaction is one order line. Customer is "" where it was not recorded; a
// return has a negative quantity.
type Transaction struct {
	ID        int64
	Order     string
	Customer  string
	Product   string
	At        time.Time
	Quantity  int64
	UnitPrice float64
	Channel   string
}

// Company is the whole data set but for its transactions, which are streamed.
type Company struct {
	Products  []Product
	Customers []Customer
	options   Options
	rng       *rand.Rand
}

const dims = 12

type vector [dims]float64

func (v vector) dot(w vector) float64 {
	s := 0.0
	for i := range v {
		s += v[i] * w[i]
	}
	return s
}

func near(r *rand.Rand, centre vector, spread float64) vector {
	for i := range centre {
		centre[i] += spread * r.NormFloat64()
	}
	return centre
}

// New makes the company of some options.
func New(o Options) *Company {
	c := &Company{options: o, rng: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15))}
	c.makeProducts()
	c.makeCustomers()
	return c
}

func (c *Company) makeProducts() {
	r := c.rng
	categories := make([]vector, len(catalogue))
	for i := range categories {
		categories[i] = near(r, vector{}, 0.55)
	}
	type kind struct {
		category, sub int
		centre        vector
	}
	var kinds []kind
	for i, cat := range catalogue {
		for j := range cat.subcategories {
			kinds = append(kinds, kind{i, j, near(r, categories[i], 0.55)})
		}
	}
	start := c.options.End.AddDate(-2, 0, 0)
	for i := range c.options.Products {
		k := kinds[r.IntN(len(kinds))]
		cat := catalogue[k.category]
		brand := brands[r.IntN(len(brands))]
		price := math.Round(100*cat.price*math.Exp(0.9*r.NormFloat64())) / 100
		introduced := start.AddDate(0, 0, -r.IntN(1500)-1)
		if i%12 == 11 { // one in twelve arrives during the two years
			introduced = start.AddDate(0, 0, r.IntN(660))
		}
		c.Products = append(c.Products, Product{
			No: fmt.Sprintf("%06d", 10_007+i*37), Category: cat.name, Subcategory: cat.subcategories[k.sub], Brand: brand,
			Name:  fmt.Sprintf("%s %s %s", brand, cat.subcategories[k.sub], sizes[r.IntN(len(sizes))]),
			Price: max(price, 0.05), Introduced: introduced,
			character: near(r, k.centre, 0.42), popularity: 0.75 * r.NormFloat64(), category: k.category,
		})
	}
}

func (c *Company) makeCustomers() {
	r := c.rng
	centres := make([]vector, len(segments))
	for i := range centres {
		centres[i] = near(r, vector{}, 0.75)
	}
	start := c.options.End.AddDate(-2, 0, 0)
	for i := range c.options.Customers {
		s := r.IntN(len(segments))
		town := towns[zipf(r, len(towns))]
		since := start.AddDate(0, 0, -r.IntN(3000))
		if i%10 == 9 {
			since = start.AddDate(0, 0, r.IntN(600))
		}
		c.Customers = append(c.Customers, Customer{
			No: fmt.Sprintf("C%05d", 10_000+i), Segment: segments[s], City: town.city, Country: town.country,
			Company: fmt.Sprintf("%s %s %s", surnames[r.IntN(len(surnames))], trades[s], legal[town.country]),
			Size:    []string{"1-9", "10-49", "50-249", "250+"}[min(zipf(r, 4), 3)], Since: since,
			taste: near(r, centres[s], 0.62),
		})
	}
}

// zipf draws 0..n-1, the small ones more often.
func zipf(r *rand.Rand, n int) int { return int(float64(n) * math.Pow(r.Float64(), 2)) }
