// Package recommend is the HTTP function of recommendations.
//
// It promises an answer for every customer: a list of the model's, or the best
// sellers with the reason.
package recommend

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/recommend"
	"github.com/b2brecs/b2brecs/shared/state"
	"github.com/b2brecs/b2brecs/shared/warehouse"
)

// Services is what the function asks of its platform.
type Services struct {
	State     *state.DB
	Warehouse *warehouse.Warehouse
}

// Project is the path part every route shares.
type Project struct {
	Project string `path:"project" maxLength:"63"`
}

type get struct {
	Project
	Customer    string `path:"customer" maxLength:"1000"`
	K           int    `query:"k" minimum:"1" maximum:"100" default:"10" doc:"Products to recommend."`
	ExcludeSeen bool   `query:"exclude_seen" doc:"Leave out what the customer bought before."`
	Experiment  string `query:"experiment" maxLength:"63" doc:"Empty: the project's choice, else the newest completed one."`
	Bought      int    `query:"bought" minimum:"0" maximum:"100" doc:"How many of the customer's purchases to add."`
}

type list struct {
	Project
	Search     string `query:"search" maxLength:"255" doc:"Part of a customer's id."`
	Limit      int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Experiment string `query:"experiment" maxLength:"63"`
}

type choose struct {
	Project
	Body struct {
		Experiment string `json:"experiment" minLength:"1" maxLength:"63"`
	}
}

// Register adds the routes.
func Register(a huma.API, s Services) {
	const tag, base = "Recommendations", "/v1/projects/{project}/recommendations"
	r := recommend.Service{State: s.State, Warehouse: s.Warehouse}
	api.Handle(a, api.Op{ID: "listCustomers", Method: http.MethodGet, Path: base, Tag: tag, Role: identity.Viewer, Summary: "List customers that have recommendations"},
		func(ctx context.Context, in *list) (*api.ListOut[recommend.Customer], error) {
			items, err := r.Customers(ctx, in.Project.Project, in.Experiment, in.Search, in.Limit)
			return api.Lists(items, "", err)
		})
	api.Handle(a, api.Op{ID: "getRecommendations", Method: http.MethodGet, Path: base + "/{customer}", Tag: tag, Role: identity.Viewer, Summary: "Recommend products to a customer"},
		func(ctx context.Context, in *get) (*api.Body[recommend.List], error) {
			return api.Reply(r.For(ctx, recommend.Query{
				Project: in.Project.Project, Customer: in.Customer, Experiment: in.Experiment, K: in.K, ExcludeSeen: in.ExcludeSeen, Bought: in.Bought,
			}))
		})
	api.Handle(a, api.Op{ID: "chooseExperiment", Method: http.MethodPut, Path: base, Tag: tag, Role: identity.Manager, Status: http.StatusNoContent, Summary: "Choose the experiment that recommends"},
		func(ctx context.Context, in *choose) (*struct{}, error) {
			return nil, r.Choose(ctx, in.Project.Project, in.Body.Experiment)
		})
}
