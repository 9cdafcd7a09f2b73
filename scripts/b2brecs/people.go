package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/b2brecs/b2brecs/scripts/b2brecs/client"
	"github.com/b2brecs/b2brecs/shared/api"
	"github.com/b2brecs/b2brecs/shared/identity"
	"github.com/b2brecs/b2brecs/shared/identity/people"
	"github.com/b2brecs/b2brecs/shared/problem"
)

func whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "Say who you are to the installation, and what you may do", Args: cobra.NoArgs,
		RunE: connected(func(ctx context.Context, cmd *cobra.Command, c *client.Client, _ []string) error {
			me, err := client.Get[struct {
				identity.Principal
				May     []identity.Role `json:"may"`
				Version string          `json:"api_version"`
			}](ctx, c, "/v1/me")
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return printJSON(cmd.OutOrStdout(), me)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) is %s at %s\n", me.Name, me.Subject, me.Role, c.URL)
			return err
		}),
	}
}

func peopleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "people", Short: "List who has access, give it, change it, end it",
		Long: "people is for owners. A person is known by the e-mail address they sign in with. The roles,\neach with what the ones before it may do:\n\n" +
			"  viewer    look\n  analyst   run and cancel\n  manager   create, change, delete\n  owner     people\n\nThe last owner stays.",
	}
	var role, name string
	add := &cobra.Command{
		Use: "add EMAIL", Short: "Give somebody access", Args: cobra.ExactArgs(1),
		RunE: connected(func(ctx context.Context, cmd *cobra.Command, c *client.Client, args []string) error {
			return addPerson(ctx, cmd, c, args[0], name, role)
		}),
	}
	add.Flags().StringVar(&role, "role", string(identity.Viewer), "viewer, analyst, manager or owner")
	add.Flags().StringVar(&name, "name", "", "the person's name; the address when left out")
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "List who has access", Args: cobra.NoArgs, RunE: connected(listPeople)},
		add,
		&cobra.Command{
			Use: "role EMAIL ROLE", Short: "Give somebody another role", Args: cobra.ExactArgs(2),
			RunE: connected(func(ctx context.Context, cmd *cobra.Command, c *client.Client, args []string) error {
				u, err := client.Do[people.User](ctx, c, http.MethodPatch, personPath(args[0]), map[string]string{"role": args[1]}, "")
				if err != nil {
					return err
				}
				return tell(cmd, u, "%s is %s", u.Subject, u.Role)
			}),
		},
		&cobra.Command{
			Use: "remove EMAIL", Short: "End somebody's access, at once", Args: cobra.ExactArgs(1),
			RunE: connected(func(ctx context.Context, cmd *cobra.Command, c *client.Client, args []string) error {
				if _, err := client.Do[struct{}](ctx, c, http.MethodDelete, personPath(args[0]), nil, ""); err != nil {
					return err
				}
				return tell(cmd, map[string]string{"removed": args[0]}, "%s has no access", args[0])
			}),
		},
		&cobra.Command{
			Use: "link EMAIL", Short: "Print a one-time sign-in link for somebody who has access", Args: cobra.ExactArgs(1),
			Long: "link is for a running embedded server, where people sign in by links: each works once, for\n15 minutes.",
			RunE: func(cmd *cobra.Command, args []string) error {
				ctx := cmd.Context()
				c, err := running(ctx, dataDir(cmd))
				if err != nil {
					return err
				}
				if how, err := client.Get[identity.SignIn](ctx, client.New(c.URL, ""), "/v1/sign-in"); err != nil {
					return err
				} else if how.Method != identity.Links {
					return problem.New(problem.FailedPrecondition, "people sign in at %s here, not by links", how.Issuer)
				}
				link, err := client.Post[signInReply](ctx, c, personPath(args[0])+"/sign-in-link", nil, "")
				if err != nil {
					return err
				}
				return tell(cmd, map[string]string{"sign_in": link.URL}, "%s", link.URL)
			},
		},
	)
	return cmd
}

// connected runs fn with a client of the installation.
func connected(fn func(context.Context, *cobra.Command, *client.Client, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		c, closeClient, err := connect(cmd)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeClient()) }()
		return fn(cmd.Context(), cmd, c, args)
	}
}

func personPath(email string) string {
	return "/v1/people/" + url.PathEscape(people.OfEmail(strings.TrimSpace(email)))
}

// tell prints a result: the document, or a line about it.
func tell(cmd *cobra.Command, document any, format string, args ...any) error {
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), document)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}

func addPerson(ctx context.Context, cmd *cobra.Command, c *client.Client, email, name, role string) error {
	u, err := client.Post[people.User](ctx, c, "/v1/people", map[string]string{"email": email, "name": name, "role": role}, "")
	if err != nil {
		return err
	}
	how, err := client.Get[identity.SignIn](ctx, client.New(c.URL, ""), "/v1/sign-in")
	if err != nil {
		return err
	}
	next := "they sign in at " + how.Issuer
	switch how.Method {
	case identity.Links:
		next = "b2brecs people link " + u.Subject + " prints their sign-in link"
	case identity.IdentityPlatform:
		next = "they sign in on the page, with an account at the project's Identity Platform"
	case identity.OIDC: // the issuer says it all
	}
	return tell(cmd, u, "%s is %s; %s", u.Subject, u.Role, next)
}

func listPeople(ctx context.Context, cmd *cobra.Command, c *client.Client, _ []string) error {
	var all []people.User
	for cursor := ""; ; {
		page, err := client.Get[api.List[people.User]](ctx, c, "%s", "/v1/people?limit=200&cursor="+url.QueryEscape(cursor))
		if err != nil {
			return err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if asJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), api.List[people.User]{Items: all})
	}
	rows := [][]string{{"who", "name", "role", "since"}}
	for _, u := range all {
		rows = append(rows, []string{u.Subject, u.Name, string(u.Role), u.CreatedAt.Local().Format("2006-01-02")})
	}
	table(cmd.OutOrStdout(), rows)
	return nil
}
