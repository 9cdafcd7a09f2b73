// Package sql builds the product's statements from typed parts and one Dialect.
//
// It promises that identifiers are quoted everywhere, that values are bound
// parameters, and that the same tree gives the same text. Function names and
// text constants are Go constants: a variable does not compile in their place,
// so no text from a person can become SQL.
//
// It refuses to parse SQL and to know any table.
package sql
