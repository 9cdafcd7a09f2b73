package sample

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// WriteProducts writes the catalogue as CSV.
func (c *Company) WriteProducts(w io.Writer) error {
	rows := [][]string{{"item_no", "name", "category", "subcategory", "brand", "list_price", "introduced_on"}}
	for _, p := range c.Products {
		rows = append(rows, []string{p.No, p.Name, p.Category, p.Subcategory, p.Brand,
			strconv.FormatFloat(p.Price, 'f', 2, 64), p.Introduced.Format("2006-01-02")})
	}
	return writeCSV(w, rows)
}

// WriteCustomers writes the customers as CSV.
func (c *Company) WriteCustomers(w io.Writer) error {
	rows := [][]string{{"customer_no", "company", "segment", "city", "country", "employees", "customer_since"}}
	for _, k := range c.Customers {
		rows = append(rows, []string{k.No, k.Company, k.Segment, k.City, k.Country, k.Size, k.Since.Format("2006-01-02")})
	}
	return writeCSV(w, rows)
}

func writeCSV(w io.Writer, rows [][]string) error {
	cw := csv.NewWriter(w)
	if err := cw.WriteAll(rows); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return nil
}

// batchRows is a row group of the Parquet file.
const batchRows = 122_880

// WriteTransactions writes the order lines as zstd Parquet. The seed is in the
// file's metadata under "b2brecs.sample.seed".
func (c *Company) WriteTransactions(w io.Writer) error {
	metadata := arrow.NewMetadata([]string{"b2brecs.sample.seed"}, []string{strconv.FormatUint(c.options.Seed, 10)})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "transaction_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "order_no", Type: arrow.BinaryTypes.String},
		{Name: "customer_no", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "item_no", Type: arrow.BinaryTypes.String},
		{Name: "ordered_at", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "quantity", Type: arrow.PrimitiveTypes.Int64},
		{Name: "unit_price", Type: arrow.PrimitiveTypes.Float64},
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "channel", Type: arrow.BinaryTypes.String},
	}, &metadata)
	pw, err := pqarrow.NewFileWriter(schema, struct{ io.Writer }{w}, // what can be closed is the caller's to close

		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(batchRows)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	flush := func() error {
		rec := b.NewRecordBatch()
		defer rec.Release()
		return pw.Write(rec)
	}
	n := 0
	err = c.Transactions(func(t Transaction) error {
		b.Field(0).(*array.Int64Builder).Append(t.ID)
		b.Field(1).(*array.StringBuilder).Append(t.Order)
		if t.Customer == "" {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.StringBuilder).Append(t.Customer)
		}
		b.Field(3).(*array.StringBuilder).Append(t.Product)
		b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(t.At.UnixMicro()))
		b.Field(5).(*array.Int64Builder).Append(t.Quantity)
		b.Field(6).(*array.Float64Builder).Append(t.UnitPrice)
		b.Field(7).(*array.Float64Builder).Append(float64(t.Quantity) * t.UnitPrice)
		b.Field(8).(*array.StringBuilder).Append(t.Channel)
		if n++; n%batchRows == 0 {
			return flush()
		}
		return nil
	})
	if err == nil && n%batchRows != 0 {
		err = flush()
	}
	if cerr := pw.Close(); err == nil {
		err = cerr
	}
	return err
}
