package etlapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/etl"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/problem"
	"github.com/b2brecs/b2brecs/shared/source"
	"github.com/b2brecs/b2brecs/shared/state"
)

// ConnectionInput creates, changes or tests a connection. Params holds all inputs
// of the kind's form, secret ones included; a secret left out keeps its value.
type ConnectionInput struct {
	Name        string         `json:"name,omitempty" maxLength:"255"`
	Type        string         `json:"type,omitempty"`
	Description string         `json:"description,omitempty" maxLength:"2000"`
	Params      map[string]any `json:"params"`
}

// TestResult says whether a source can be reached and what it holds.
type TestResult struct {
	OK      bool           `json:"ok"`
	Message string         `json:"message"`
	Problem *problem.Error `json:"problem,omitempty"`
	Tables  []source.Table `json:"tables" nullable:"false"`
	Seconds float64        `json:"seconds"`
	// Duplicate is an existing connection to the same place.
	Duplicate *Named `json:"duplicate,omitempty"`
}

// Named is an id with its name.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type connectionBody struct{ Body ConnectionInput }

type connectionUpdate struct {
	ID
	Body ConnectionInput
}

type listConnections struct{ api.Page }

type listTables struct {
	ID
	Schema string `query:"schema" maxLength:"255"`
}

type describeTable struct {
	ID
	Schema string `path:"schema" maxLength:"255"`
	Table  string `path:"table" maxLength:"255"`
}

func (s Services) registerConnections(a huma.API) {
	const base = "/v1/etl/connections"
	api.Handle(a, api.Op{ID: "listSourceKinds", Method: http.MethodGet, Path: "/v1/etl/source-kinds", Tag: tag, Role: identity.Viewer, Summary: "List the kinds of sources and their forms"},
		func(context.Context, *struct{}) (*api.ListOut[*source.Kind], error) {
			return api.Lists(s.Sources.Kinds(), "", nil)
		})
	api.Handle(a, api.Op{ID: "listConnections", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List connections"},
		func(ctx context.Context, in *listConnections) (*api.ListOut[etl.Connection], error) {
			p, err := s.ETL.Connections.Query(ctx, state.Query{Desc: true, Limit: in.Limit, Cursor: in.Cursor})
			return api.Lists(p.Items, p.Next, err)
		})
	api.Handle(a, api.Op{ID: "createConnection", Method: http.MethodPost, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusCreated, Summary: "Create a connection"},
		func(ctx context.Context, in *connectionBody) (*api.Body[etl.Connection], error) {
			return api.Reply(s.saveConnection(ctx, etl.Connection{ID: state.NewID(), Type: in.Body.Type, CreatedAt: time.Now().UTC(), CreatedBy: identity.From(ctx).Subject}, in.Body))
		})
	api.Handle(a, api.Op{ID: "getConnection", Method: http.MethodGet, Path: base + "/{id}", Tag: tag, Role: identity.Viewer, Summary: "Read a connection, without its secrets"},
		func(ctx context.Context, in *ID) (*api.Body[etl.Connection], error) {
			return api.Reply(s.ETL.Connection(ctx, in.ID))
		})
	api.Handle(a, api.Op{ID: "updateConnection", Method: http.MethodPatch, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Change a connection"},
		func(ctx context.Context, in *connectionUpdate) (*api.Body[etl.Connection], error) {
			c, err := s.ETL.Connections.Get(ctx, in.ID.ID)
			if err != nil {
				return nil, err
			}
			return api.Reply(s.saveConnection(ctx, c, in.Body))
		})
	api.Handle(a, api.Op{ID: "deleteConnection", Method: http.MethodDelete, Path: base + "/{id}", Tag: tag, Role: identity.Manager, Summary: "Delete a connection that no job uses"},
		func(ctx context.Context, in *ID) (*struct{}, error) {
			c, err := s.ETL.DeleteConnection(ctx, in.ID)
			if err != nil || c.SecretID == "" {
				return nil, err
			}
			return nil, s.Secrets.Destroy(ctx, c.SecretID)
		})
	api.Handle(a, api.Op{ID: "testConnectionInput", Method: http.MethodPost, Path: base + ":test", Tag: tag, Role: identity.Manager, Summary: "Test inputs without storing them"},
		func(ctx context.Context, in *connectionBody) (*api.Body[TestResult], error) {
			return api.Reply(s.testInput(ctx, in.Body))
		})
	api.Handle(a, api.Op{ID: "testConnection", Method: http.MethodPost, Path: base + "/{id}/test", Tag: tag, Role: identity.Analyst, Summary: "Test a stored connection"},
		func(ctx context.Context, in *ID) (*api.Body[TestResult], error) {
			return api.Reply(s.testStored(ctx, in.ID))
		})
	api.Handle(a, api.Op{ID: "listSourceTables", Method: http.MethodGet, Path: base + "/{id}/tables", Tag: tag, Role: identity.Manager, Summary: "List a source's tables"},
		func(ctx context.Context, in *listTables) (*api.ListOut[source.Table], error) {
			src, err := s.open(ctx, in.ID.ID)
			if err != nil {
				return nil, err
			}
			defer src.Close()
			t, err := src.Tables(ctx, in.Schema)
			return api.Lists(t, "", err)
		})
	api.Handle(a, api.Op{ID: "describeSourceTable", Method: http.MethodGet, Path: base + "/{id}/tables/{schema}/{table}", Tag: tag, Role: identity.Manager, Summary: "Describe a source table with proposed columns"},
		func(ctx context.Context, in *describeTable) (*api.Body[source.Description], error) {
			src, err := s.open(ctx, in.ID.ID)
			if err != nil {
				return nil, err
			}
			defer src.Close()
			return api.Reply(src.Describe(ctx, source.Object{Schema: in.Schema, Table: in.Table}))
		})
}

func (s Services) open(ctx context.Context, id string) (source.Source, error) {
	c, err := s.ETL.Connection(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Sources.Open(ctx, c)
}

// saveConnection writes the secret before the record: a record never refers to a
// secret that is not there.
func (s Services) saveConnection(ctx context.Context, c etl.Connection, in ConnectionInput) (etl.Connection, error) {
	kind, err := s.Sources.Kind(c.Type)
	if err != nil {
		return c, err
	}
	if kind.BuiltIn {
		return c, problem.New(problem.InvalidArgument, "a %s connection is always there", kind.Title)
	}
	if in.Name != "" {
		c.Name = in.Name
	}
	if c.Name == "" {
		return c, problem.New(problem.InvalidArgument, "a connection needs a name").WithField("name", "must not be empty")
	}
	if in.Description != "" {
		c.Description = in.Description
	}
	kept, stored, err := s.storedSecrets(ctx, c)
	if err != nil {
		return c, err
	}
	if in.Params != nil {
		params, secrets, err := kind.Split(in.Params, kept)
		if err != nil {
			return c, err
		}
		for k, v := range secrets {
			stored[k] = v
		}
		c.Params = params
		c.TestStatus, c.TestMessage = "", ""
		if len(secrets) > 0 {
			payload, err := json.Marshal(stored)
			if err != nil {
				return c, err
			}
			c.SecretID = "connection-" + c.ID
			if err := s.Secrets.Put(ctx, c.SecretID, payload); err != nil {
				return c, err
			}
		}
	}
	return s.ETL.SaveConnection(ctx, c)
}

func (s Services) storedSecrets(ctx context.Context, c etl.Connection) (names []string, secrets map[string]string, err error) {
	secrets = map[string]string{}
	if c.SecretID == "" {
		return nil, secrets, nil
	}
	b, err := s.Secrets.Get(ctx, c.SecretID)
	if problem.Is(err, problem.NotFound) {
		return nil, secrets, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(b, &secrets); err != nil {
		return nil, nil, problem.New(problem.Internal, "the credential of connection %q is damaged", c.Name)
	}
	for k := range secrets {
		names = append(names, k)
	}
	return names, secrets, nil
}

func (s Services) testInput(ctx context.Context, in ConnectionInput) (TestResult, error) {
	kind, err := s.Sources.Kind(in.Type)
	if err != nil {
		return TestResult{}, err
	}
	params, secrets, err := kind.Split(in.Params, nil)
	if err != nil {
		return TestResult{}, err
	}
	src, err := s.Sources.OpenWith(ctx, in.Type, params, secrets)
	if err != nil {
		return TestResult{}, err
	}
	out, err := test(ctx, src)
	if err != nil || !out.OK {
		return out, err
	}
	for c, err := range s.ETL.Connections.All(ctx, state.Query{}) {
		if err != nil {
			return out, err
		}
		if c.Type == in.Type && kind.IdentityOf(c.Params) == kind.IdentityOf(params) {
			out.Duplicate = &Named{c.ID, c.Name}
			break
		}
	}
	return out, nil
}

func (s Services) testStored(ctx context.Context, id string) (TestResult, error) {
	src, err := s.open(ctx, id)
	if err != nil {
		return TestResult{}, err
	}
	out, err := test(ctx, src)
	if err != nil || id == etl.UploadsConnection {
		return out, err
	}
	_, err = s.ETL.Connections.Update(ctx, id, func(c *etl.Connection) error {
		c.TestedAt, c.TestMessage, c.TestStatus = time.Now().UTC(), out.Message, "success"
		if !out.OK {
			c.TestStatus = "failed"
			if out.Problem.Code == problem.Internal {
				c.TestStatus = "error"
			}
		}
		return nil
	})
	return out, err
}

func test(ctx context.Context, src source.Source) (TestResult, error) {
	defer src.Close()
	start := time.Now()
	tables, err := src.Test(ctx)
	out := TestResult{OK: err == nil, Tables: tables, Seconds: time.Since(start).Seconds(), Message: "The source answers."}
	if tables == nil {
		out.Tables = []source.Table{}
	}
	if err != nil {
		out.Problem = problem.Of(err)
		out.Message = out.Problem.Message
	}
	return out, ctx.Err()
}
