package sample

import (
	"bytes"
	"testing"
)

func small(t *testing.T) Options {
	t.Helper()
	o, err := Size("small")
	if err != nil {
		t.Fatal(err)
	}
	o.Customers, o.Products, o.Transactions = 300, 200, 6_000
	return o
}

func TestSameSeedSameBytes(t *testing.T) {
	write := func(o Options) []byte {
		var b bytes.Buffer
		c := New(o)
		for _, fn := range []func() error{
			func() error { return c.WriteProducts(&b) },
			func() error { return c.WriteCustomers(&b) },
			func() error { return c.WriteTransactions(&b) },
		} {
			if err := fn(); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	o := small(t)
	if !bytes.Equal(write(o), write(o)) {
		t.Error("two runs with one seed differ")
	}
	other := o
	other.Seed++
	if bytes.Equal(write(o), write(other)) {
		t.Error("another seed gives the same data")
	}
}

func TestTransactionsAreBelievable(t *testing.T) {
	o := small(t)
	c := New(o)
	introduced := map[string]Product{}
	for _, p := range c.Products {
		introduced[p.No] = p
	}
	n, returns, missing := 0, 0, 0
	perCustomer := map[string]int{}
	err := c.Transactions(func(x Transaction) error {
		n++
		if x.Quantity < 0 {
			returns++
		}
		if x.Customer == "" {
			missing++
		}
		perCustomer[x.Customer]++
		if x.At.Before(introduced[x.Product].Introduced) {
			t.Errorf("%s is bought at %v before it is introduced", x.Product, x.At)
		}
		if x.At.After(o.End.AddDate(0, 0, 1)) || x.At.Before(o.End.AddDate(-2, 0, 0)) {
			t.Errorf("%v is outside the two years", x.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != o.Transactions {
		t.Errorf("got %d lines, want %d", n, o.Transactions)
	}
	if returns == 0 || missing == 0 || returns > n/20 || missing > n/20 {
		t.Errorf("%d returns and %d missing customers of %d lines", returns, missing, n)
	}
	if len(perCustomer) < o.Customers*9/10 {
		t.Errorf("only %d of %d customers buy", len(perCustomer), o.Customers)
	}
}
