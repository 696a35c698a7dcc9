package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// System is what stacks say of who may do what, together.
type System struct {
	Attachments []Attachment `json:"attachments"`
	Roles       []Role       `json:"roles"`
}

// Attachment is a policy of a stack with what it is attached to.
type Attachment struct {
	Stack string `json:"stack"`
	URN   string `json:"urn"`
	// Kind is bucket, function, key, queue, topic, secret, acl, other, trust or identity.
	Kind string `json:"kind"`
	// ARN is that of the resource which the policy is attached to, as far as its parts are known.
	ARN string `json:"arn"`
	// Account is the account of the resource; empty where nothing tells it.
	Account string `json:"account"`
	// Role is the name of the role that an identity policy belongs to; empty for others, and for managed policies.
	Role any `json:"role"`
	// Text is the policy's own text; it is a string where it is shown.
	Text any `json:"text"`
}

// Document is the policy's text, as AWS would take it: an error says why there is none.
func (a Attachment) Document() (json.RawMessage, error) {
	shown, err := a.read()
	switch {
	case !shown:
		return nil, errors.New("it is not known yet, or secret")
	case err != nil:
		return nil, err
	}
	text, _ := a.Text.(string)
	return json.RawMessage(text), nil
}

// read reads the policy strictly, where it is shown.
func (a Attachment) read() (shown bool, err error) {
	text, isText := a.Text.(string)
	if !isText || IsUnknown(text) {
		return false, nil
	}
	kind := ResourcePolicy
	switch {
	case a.Kind == "identity":
		kind = IdentityPolicy
	case a.Kind == "trust", strings.Contains(a.ARN, ":ecr"):
		kind = TrustPolicy // Neither has to name what it is attached to.
	}
	_, err = ReadDocument(kind, "", []byte(text))
	return true, err
}

// Role is a role of a stack.
type Role struct {
	Stack   string `json:"stack"`
	URN     string `json:"urn"`
	Name    string `json:"name"`
	Account string `json:"account"`
	// ARN has the role's path.
	ARN string `json:"arn"`
	// UniqueID is as AROA…; empty until the role is there.
	UniqueID string `json:"uniqueId"`
	// Managed are the ARNs of the managed policies that stacks attach to the role.
	Managed []string `json:"managed"`
	// Boundary is the ARN of its permissions boundary; empty where it has none.
	Boundary string `json:"boundary"`
}

// System reads who may do what out of files, as the rules see it.
func (r *Rules) System(ctx context.Context, files ...File) (System, error) {
	input, err := filesValue(files)
	if err != nil {
		return System{}, err
	}
	found, err := r.ask(ctx, r.system, input)
	if err != nil {
		return System{}, err
	}
	var system System
	if err := found.read("attachments", &system.Attachments); err != nil {
		return System{}, err
	}
	return system, found.read("roles", &system.Roles)
}

// Action is what the catalogue tells of an action.
type Action struct {
	// Access is List, Read, Tagging, Write or Permissions management.
	Access string `json:"access"`
	// Resources are the types of the resources that the action is on; empty where it is on none.
	Resources []string `json:"resources"`
}

// Actions is the catalogue: what is known of each action, by its name, as s3:GetObject. It does not have every service.
func (r *Rules) Actions() map[string]Action { return r.actions }

func readActions(text []byte) (map[string]Action, error) {
	var catalogue struct {
		Services map[string]struct {
			Actions map[string]Action `json:"actions"`
		} `json:"services"`
	}
	if err := json.Unmarshal(text, &catalogue); err != nil {
		return nil, fmt.Errorf("reading the action catalogue: %w", err)
	}
	actions := map[string]Action{}
	for service, entry := range catalogue.Services {
		for name, action := range entry.Actions {
			actions[service+":"+name] = action
		}
	}
	return actions, nil
}
