package dataset_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/b2brecs/b2brecs/shared/dataset"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// shape makes the values of a column, row by row; a row belongs to an order.
type shape func(r *rand.Rand, row int, o order) any

type order struct {
	number, customer int
	at               time.Time
}

var (
	lineID     shape = func(_ *rand.Rand, row int, _ order) any { return row + 1 }
	orderID    shape = func(_ *rand.Rand, _ int, o order) any { return 500_000 + o.number }
	orderText  shape = func(_ *rand.Rand, _ int, o order) any { return fmt.Sprintf("A-%06d", o.number) }
	customerID shape = func(_ *rand.Rand, _ int, o order) any { return 12_000 + o.customer }
	customerNo shape = func(_ *rand.Rand, _ int, o order) any { return fmt.Sprintf("%05d", o.customer) }
	company    shape = func(_ *rand.Rand, _ int, o order) any { return fmt.Sprintf("Company %d Ltd", o.customer) }
	productNo  shape = func(r *rand.Rand, _ int, _ order) any { return fmt.Sprintf("%c%04d", 'A'+r.IntN(4), r.IntN(60)) }
	productID  shape = func(r *rand.Rand, _ int, _ order) any { return 1000 + r.IntN(200) }
	label      shape = func(r *rand.Rand, _ int, _ order) any { return fmt.Sprintf("Thing no %d, large", r.IntN(200)) }
	word       shape = func(r *rand.Rand, _ int, _ order) any { return []string{"red", "green", "blue"}[r.IntN(3)] }
	comment    shape = func(r *rand.Rand, _ int, _ order) any {
		return []string{"thank you very much", "all good so far", "later please", "a b", "c d e"}[r.IntN(5)]
	}
	moment     shape = func(_ *rand.Rand, _ int, o order) any { return o.at }
	momentText shape = func(_ *rand.Rand, _ int, o order) any { return o.at.Format("2006-01-02 15:04:05") }
	seconds    shape = func(_ *rand.Rand, _ int, o order) any { return int(o.at.Unix()) }
	ymd        shape = func(_ *rand.Rand, _ int, o order) any { return o.at.Year()*10000 + int(o.at.Month())*100 + o.at.Day() }
	quantity   shape = func(r *rand.Rand, _ int, _ order) any { return 1 + r.IntN(20) }
	returns    shape = func(r *rand.Rand, row int, _ order) any { return 1 + r.IntN(20) - row%10*3 }
	money      shape = func(r *rand.Rand, _ int, _ order) any { return float64(r.IntN(10_000)) / 100 }
	degrees    shape = func(r *rand.Rand, _ int, _ order) any { return r.Float64()*30 - 5 }
	rating     shape = func(r *rand.Rand, _ int, _ order) any { return 1 + r.IntN(5) }
)

type field struct {
	name  string
	shape shape
}

var typeOf = map[string]warehouse.Type{"string": warehouse.String, "int": warehouse.Int64, "float64": warehouse.Float64, "time.Time": warehouse.Timestamp}

// table loads about 1,500 lines of 600 orders by 80 customers.
func table(t *testing.T, wh *warehouse.Warehouse, r warehouse.Ref, fields []field) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(7, 7))
	var rows [][]any
	for n := range 600 {
		o := order{number: n, customer: int(80 * rnd.Float64() * rnd.Float64()), at: time.Date(2025, 1, 1, 8, n%60, 0, 0, time.UTC).AddDate(0, 0, n/2)}
		for range 1 + rnd.IntN(4) {
			row := make([]any, len(fields))
			for i, f := range fields {
				row[i] = f.shape(rnd, len(rows), o)
			}
			rows = append(rows, row)
		}
	}
	cols := make([]warehouse.Column, len(fields))
	for i, f := range fields {
		cols[i] = warehouse.Column{Name: f.name, Type: typeOf[fmt.Sprintf("%T", rows[0][i])]}
	}
	load(t, wh, r, cols, rows)
}

// TestRolesOfUnseenFiles guesses the roles of tables as they come: names are
// what a load makes of the headers.
func TestRolesOfUnseenFiles(t *testing.T) {
	wh := open(t)
	for _, c := range []struct {
		name   string
		fields []field
		// customer, product, time, value; "" means that none may be found.
		want [4]string
	}{
		{"spec names", []field{{"order_id", orderID}, {"customer_id", customerID}, {"product_id", productID}, {"created_at", moment}, {"amount", money}}, [4]string{"customer_id", "product_id", "created_at", "amount"}},
		{"online retail", []field{{"InvoiceNo", orderText}, {"StockCode", productNo}, {"Description", label}, {"Quantity", returns}, {"InvoiceDate", moment}, {"UnitPrice", money}, {"CustomerID", customerID}, {"Country", word}}, [4]string{"CustomerID", "StockCode", "InvoiceDate", "Quantity"}},
		{"online retail, lower case", []field{{"invoiceno", orderText}, {"stockcode", productNo}, {"description", label}, {"quantity", quantity}, {"invoicedate", moment}, {"unitprice", money}, {"customerid", customerID}}, [4]string{"customerid", "stockcode", "invoicedate", "quantity"}},
		{"german", []field{{"Beleg_Nr", orderID}, {"Kunde_Nr", customerNo}, {"art_no", productNo}, {"Bezeichnung", label}, {"Datum", moment}, {"Menge", quantity}, {"Betrag", money}}, [4]string{"Kunde_Nr", "art_no", "Datum", "Betrag"}},
		{"german, compound", []field{{"rechnungsnummer", orderID}, {"kundennummer", customerNo}, {"artikelnummer", productNo}, {"rechnungsdatum", moment}, {"umsatz", money}}, [4]string{"kundennummer", "artikelnummer", "rechnungsdatum", "umsatz"}},
		{"russian", []field{{"klient", company}, {"tovar", label}, {"data", moment}, {"summa", money}}, [4]string{"klient", "tovar", "data", "summa"}},
		{"groceries", []field{{"Member_number", customerID}, {"Date", moment}, {"itemDescription", productNo}}, [4]string{"Member_number", "itemDescription", "Date", ""}},
		{"shop", []field{{"order_number", orderID}, {"email", company}, {"sku", productNo}, {"order_date", moment}, {"price", money}}, [4]string{"email", "sku", "order_date", "price"}},
		{"reviews", []field{{"reviewerID", customerNo}, {"asin", productNo}, {"overall", rating}, {"unixReviewTime", seconds}}, [4]string{"reviewerID", "asin", "unixReviewTime", ""}},
		{"clicks", []field{{"visitorid", customerID}, {"itemid", productID}, {"event", word}, {"transactionid", orderID}, {"timestamp", seconds}}, [4]string{"visitorid", "itemid", "timestamp", ""}},
		{"erp", []field{{"AuftragsNr", orderID}, {"KdNr", customerID}, {"ArtNr", productNo}, {"Lieferdatum", moment}, {"Stueck", quantity}}, [4]string{"KdNr", "ArtNr", "Lieferdatum", "Stueck"}},
		{"turkish", []field{{"siparis_no", orderID}, {"musteri_no", customerID}, {"urun_kodu", productNo}, {"tarih", moment}, {"tutar", money}}, [4]string{"musteri_no", "urun_kodu", "tarih", "tutar"}},
		{"russian, long", []field{{"nomer_zakaza", orderID}, {"pokupatel", company}, {"artikul", productNo}, {"naimenovanie", label}, {"kolichestvo", quantity}, {"data_zakaza", moment}}, [4]string{"pokupatel", "artikul", "data_zakaza", "kolichestvo"}},
		{"short", []field{{"cust", customerID}, {"sku", productNo}, {"dt", moment}, {"qty", quantity}}, [4]string{"cust", "sku", "dt", "qty"}},
		{"user and item", []field{{"user", customerID}, {"item", productID}, {"rating", rating}, {"timestamp", seconds}}, [4]string{"user", "item", "timestamp", "rating"}},
		{"no value", []field{{"client", customerNo}, {"sku", productNo}, {"date", moment}}, [4]string{"client", "sku", "date", ""}},
		{"no time", []field{{"client", customerNo}, {"sku", productNo}, {"price", money}}, [4]string{"client", "sku", "", "price"}},
		{"times as text", []field{{"buyer", customerNo}, {"article", productNo}, {"sold", momentText}}, [4]string{"buyer", "article", "sold", ""}},
		{"days as numbers", []field{{"buyer", customerNo}, {"article", productNo}, {"date", ymd}}, [4]string{"buyer", "article", "date", ""}},
		{"french", []field{{"no_commande", orderID}, {"client_id", customerID}, {"code_produit", productNo}, {"libelle", label}, {"date_commande", moment}, {"montant_ttc", money}}, [4]string{"client_id", "code_produit", "date_commande", "montant_ttc"}},
		{"spanish", []field{{"factura", orderText}, {"cliente", customerNo}, {"producto", productNo}, {"fecha", moment}, {"cantidad", quantity}, {"importe", money}}, [4]string{"cliente", "producto", "fecha", "importe"}},
		{"names beside ids", []field{{"customer_name", company}, {"customer_code", customerNo}, {"product_name", label}, {"product_category", word}, {"product_code", productNo}, {"ship_date", moment}, {"order_date", moment}, {"total", money}}, [4]string{"customer_code", "product_code", "order_date", "total"}},
		{"only names", []field{{"customer_name", company}, {"product_name", label}, {"day", moment}}, [4]string{"customer_name", "product_name", "day", ""}},
		{"orders are no customers", []field{{"order_id", orderID}, {"product", productNo}, {"date", moment}, {"amount", money}}, [4]string{"", "product", "date", "amount"}},
		{"lines are no customers", []field{{"id", lineID}, {"product", productNo}, {"date", moment}}, [4]string{"", "product", "date", ""}},
		{"no product", []field{{"customer", customerNo}, {"date", moment}, {"amount", money}, {"comment", comment}}, [4]string{"customer", "", "date", "amount"}},
		{"weather", []field{{"city", word}, {"temperature", degrees}, {"date", moment}, {"humidity", quantity}}, [4]string{"", "", "date", ""}},
		{"no names", []field{{"col1", orderText}, {"col2", customerNo}, {"col3", productNo}, {"col4", moment}, {"col5", word}}, [4]string{"col2", "col3", "col4", ""}},
		{"sample", []field{{"transaction_id", lineID}, {"order_no", orderText}, {"customer_no", customerNo}, {"item_no", productNo}, {"ordered_at", moment}, {"quantity", returns}, {"unit_price", money}, {"amount", money}, {"channel", word}}, [4]string{"customer_no", "item_no", "ordered_at", "amount"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table(t, wh, sales, c.fields)
			facts, err := dataset.Facts(t.Context(), wh, sales)
			must(t, err)
			got := dataset.SuggestRoles(facts, now)
			for i, r := range []dataset.Role{dataset.Customer, dataset.Product, dataset.Time, dataset.Value} {
				if got[r].Column != c.want[i] {
					t.Errorf("%s is %q (%.2f: %s), want %q", r, got[r].Column, got[r].Score, got[r].Why, c.want[i])
				} else if s, ok := got[r]; ok && (s.Why == "" || s.Confidence == "" || s.Score <= 0 || s.Score > 1) {
					t.Errorf("%s: %+v", r, s)
				}
			}
		})
	}
}

// TestHeadersInOtherLetters reads names that no load has transliterated yet.
func TestHeadersInOtherLetters(t *testing.T) {
	wh := open(t)
	table(t, wh, sales, []field{{"a", customerNo}, {"b", productNo}, {"c", moment}, {"d", money}, {"e", orderID}})
	facts, err := dataset.Facts(t.Context(), wh, sales)
	must(t, err)
	for _, names := range [][]string{
		{"Клиент", "Товар", "Дата", "Сумма", "Номер заказа"}, {"客户", "商品", "日期", "amount", "order id"},
		{"Kunde Nr.", "Artikel-Nr.", "Datum", "Betrag (€)", "Beleg #"}, {"Müşteri No", "Ürün Kodu", "Tarih", "Tutar", "Sipariş"},
	} {
		for i := range facts {
			facts[i].Name = names[i]
		}
		got := dataset.SuggestRoles(facts, now)
		for i, r := range []dataset.Role{dataset.Customer, dataset.Product, dataset.Time, dataset.Value} {
			if got[r].Column != names[i] {
				t.Errorf("%s is %q (%s), want %q", r, got[r].Column, got[r].Why, names[i])
			}
		}
	}
}

// TestConfidence is high for what the name and the values say, low for a guess.
func TestConfidence(t *testing.T) {
	wh := open(t)
	table(t, wh, sales, []field{{"customer_id", customerID}, {"sku", productNo}, {"created_at", moment}, {"unit_price", money}})
	facts, err := dataset.Facts(t.Context(), wh, sales)
	must(t, err)
	got := dataset.SuggestRoles(facts, now)
	for r, want := range map[dataset.Role]string{dataset.Customer: "high", dataset.Product: "high", dataset.Time: "high", dataset.Value: "medium"} {
		if got[r].Confidence != want {
			t.Errorf("%s: %+v, want %s", r, got[r], want)
		}
	}
	table(t, wh, sales, []field{{"a", customerNo}, {"b", productNo}})
	facts, err = dataset.Facts(t.Context(), wh, sales)
	must(t, err)
	for r, s := range dataset.SuggestRoles(facts, now) {
		if s.Confidence != "low" {
			t.Errorf("%s: %+v", r, s)
		}
	}
}
