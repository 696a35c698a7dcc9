// Package audit compares what stacks grant with what CloudTrail has recorded: what was used, what never was, and what was denied and why.
package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	iam "github.com/micahhausler/aws-iam-policy/policy"

	"cross-account-s3/policy"
)

// document is a policy of a stack.
type document struct {
	policy.Attachment
	name       string
	parsed     iam.Policy
	statements []iam.Statement
}

// grant is what an Allow statement gives to one holder: a principal as a policy names it.
type grant struct {
	document  *document
	statement int
	holder    string
	// actions are patterns in lower case beside the way they are written; those that are not granted, if but is set.
	actions, written []string
	but              bool
	// resources are patterns without policy variables; those that are not granted, if butResources is set.
	resources    []string
	butResources bool
}

// covers says whether a grant is about an action.
func (g *grant) covers(action string) bool {
	action = strings.ToLower(action)
	return g.but != slices.ContainsFunc(g.actions, func(pattern string) bool { return matches(pattern, action) })
}

// place names the statement.
func (g *grant) place() Place {
	place := Place{Stack: g.document.Stack, URN: g.document.URN, Policy: g.document.name, Statement: g.statement}
	place.Sid = g.document.statements[g.statement].Sid
	return place
}

// grants reads the documents of a system, and what they grant. What cannot be read is told in open.
func grants(system policy.System) (documents []*document, all []*grant, open []string) {
	roles := map[[2]string]policy.Role{}
	for _, role := range system.Roles {
		roles[[2]string{role.Stack, role.Name}] = role
	}
	for _, attachment := range system.Attachments {
		one := &document{Attachment: attachment, name: nameOf(attachment)}
		text, err := attachment.Document()
		if err == nil {
			err = json.Unmarshal(text, &one.parsed)
		}
		if err != nil {
			open = append(open, fmt.Sprintf("%s cannot be judged: %v", one.title(), err))
			continue
		}
		one.statements = one.parsed.Statements.Values()
		documents = append(documents, one)
		var holders []string
		if attachment.Kind == "identity" {
			if role, isText := attachment.Role.(string); !isText || policy.IsUnknown(role) {
				open = append(open, fmt.Sprintf("whose %s is, is not known yet", one.title()))
				continue
			}
			holders = identityHolders(one, roles, system.Roles)
			if len(holders) == 0 {
				continue // A managed policy that the stacks attach to nobody, or one of a user or a group.
			}
		}
		for i, statement := range one.statements {
			if statement.Effect != "Allow" {
				continue
			}
			of := holders
			if attachment.Kind != "identity" {
				of = one.principals(statement)
			}
			for _, holder := range of {
				all = append(all, newGrant(one, i, holder))
			}
		}
	}
	return documents, all, open
}

func nameOf(attachment policy.Attachment) string {
	return attachment.URN[strings.LastIndex(attachment.URN, "::")+2:]
}

func (d *document) title() string {
	return fmt.Sprintf("the %s policy %s of stack %s", d.Kind, d.name, d.Stack)
}

// identityHolders are the roles that have an identity policy.
func identityHolders(d *document, roles map[[2]string]policy.Role, all []policy.Role) []string {
	if name, isText := d.Role.(string); isText && name != "" {
		role, there := roles[[2]string{d.Stack, name}]
		if !there {
			return []string{"arn:aws:iam::" + d.Account + ":role/" + name}
		}
		return []string{role.ARN}
	}
	var holders []string
	for _, role := range all {
		if slices.Contains(role.Managed, d.ARN) {
			holders = append(holders, role.ARN)
		}
	}
	return holders
}

// principals are the holders that a statement of a resource's policy names. To name its own account there grants nothing: that leaves it
// to the account's own policies.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (d *document) principals(statement iam.Statement) []string {
	// NotPrincipal with Allow is everybody but few.
	if statement.Principal == nil || slices.Contains(statement.Principal.Kinds(), iam.PrincipalKindAll) {
		return []string{"*"}
	}
	var names []string
	for _, of := range []*iam.StringOrSlice{
		statement.Principal.AWS(), statement.Principal.Service(), statement.Principal.Federated(), statement.Principal.CanonicalUser(),
	} {
		if of == nil {
			continue
		}
		for _, name := range of.Values() {
			if len(name) == 12 && strings.Trim(name, "0123456789") == "" {
				name = "arn:aws:iam::" + name + ":root"
			}
			if d.Account == "" || name != "arn:aws:iam::"+d.Account+":root" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func newGrant(d *document, index int, holder string) *grant {
	statement := d.statements[index]
	g := &grant{document: d, statement: index, holder: holder}
	switch {
	case statement.Action != nil:
		g.written = statement.Action.Values()
	case statement.NotAction != nil:
		g.written, g.but = statement.NotAction.Values(), true
	}
	for _, action := range g.written {
		g.actions = append(g.actions, strings.ToLower(action))
	}
	switch {
	case statement.Resource != nil:
		g.resources = statement.Resource.Values()
	case statement.NotResource != nil:
		g.resources, g.butResources = statement.NotResource.Values(), true
	default: // A trust policy does not name its role.
		g.resources = []string{d.ARN}
	}
	g.resources = slices.Clone(g.resources)
	for i, resource := range g.resources {
		g.resources[i] = withoutVariables(resource)
	}
	return g
}

// resourcesOf are the resources of a statement as they are written; nil for those of a trust policy.
func resourcesOf(statement iam.Statement) []string {
	switch {
	case statement.Resource != nil:
		return statement.Resource.Values()
	case statement.NotResource != nil:
		all := []string{}
		for _, resource := range statement.NotResource.Values() {
			all = append(all, "all but "+resource)
		}
		return all
	}
	return nil
}
