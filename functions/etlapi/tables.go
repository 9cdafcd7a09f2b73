package etlapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// TableRows is a preview of a table.
type TableRows struct {
	Columns   []warehouse.Column `json:"columns" nullable:"false"`
	Rows      [][]any            `json:"rows" nullable:"false" doc:"Values by row, column; NULL is null."`
	Truncated bool               `json:"truncated"`
	Cost      *warehouse.Cost    `json:"cost,omitempty" doc:"Of a view; absent where reading is free."`
}

// TableID names a table.
type TableID struct {
	Dataset string `path:"dataset" maxLength:"300" pattern:"^[A-Za-z_][A-Za-z0-9_]*$"`
	Table   string `path:"table" maxLength:"300" pattern:"^[A-Za-z_][A-Za-z0-9_]*$"`
}

type previewTable struct {
	TableID
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}

type listWarehouse struct {
	Dataset string `query:"dataset" default:"raw_data" pattern:"^[A-Za-z_][A-Za-z0-9_]*$"`
}

func (s Services) registerTables(a huma.API) {
	const tag = "Tables"
	api.Handle(a, api.Op{ID: "listTables", Method: http.MethodGet, Path: "/v1/tables", Tag: tag, Role: identity.Viewer, Summary: "List the warehouse's tables, most rows first"},
		func(ctx context.Context, in *listWarehouse) (*api.ListOut[warehouse.Info], error) {
			t, err := s.Warehouse.Tables(ctx, in.Dataset)
			return api.Lists(t, "", err)
		})
	api.Handle(a, api.Op{ID: "getTable", Method: http.MethodGet, Path: "/v1/tables/{dataset}/{table}", Tag: tag, Role: identity.Viewer, Summary: "Describe a table"},
		func(ctx context.Context, in *TableID) (*api.Body[warehouse.Info], error) {
			return api.Reply(s.Warehouse.Table(ctx, warehouse.Ref{Dataset: in.Dataset, Name: in.Table}))
		})
	api.Handle(a, api.Op{ID: "previewTable", Method: http.MethodGet, Path: "/v1/tables/{dataset}/{table}/rows", Tag: tag, Role: identity.Viewer, Summary: "Read some rows of a table"},
		func(ctx context.Context, in *previewTable) (*api.Body[TableRows], error) {
			rows, err := s.Warehouse.Head(ctx, warehouse.Ref{Dataset: in.Dataset, Name: in.Table}, in.Limit)
			return api.Reply(TableRows{rows.Columns, rows.JSON(), rows.Truncated, rows.Cost}, err)
		})
}
