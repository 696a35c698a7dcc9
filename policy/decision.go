// Package policy decides whether AWS allows a request. The decision itself is written in Rego, in the modules beside this code; the
// Go side reads policy documents strictly, asks the modules through one Engine, and puts their reasons into words.
package policy

import "encoding/json"

// Decision is the answer to "may this principal do this?", in the words of the IAM policy evaluation logic
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
type Decision string

const (
	// Allowed: every layer that must allow the request does, and none denies it.
	Allowed Decision = "Allowed"
	// ExplicitlyDenied: a Deny statement matches the request.
	ExplicitlyDenied Decision = "ExplicitlyDenied"
	// ImplicitlyDenied: no Deny matches, but a layer that must allow the request says nothing.
	ImplicitlyDenied Decision = "ImplicitlyDenied"
	// Undetermined: the answer hangs on something AWS does not document, on a value that is not known yet, or on a
	// malformed document. No caller may treat it as allowed.
	Undetermined Decision = "Undetermined"
)

// Case is one question for the evaluator: a request and every policy that applies to it. It is the Go side of the case format
// that docs/evaluator.md describes; marshalled, it is one line of `gate simulate`.
type Case struct {
	// ID is handed through to the answer.
	ID string `json:"id"`
	// Request is what is asked for.
	Request Request `json:"request"`
	// IdentityPolicies are attached to the principal, inline and managed alike.
	IdentityPolicies []NamedPolicy `json:"identityPolicies"`
	// ResourcePolicy is attached to the resource (bucket policy, key policy, role trust policy…); nil where there is none.
	ResourcePolicy json.RawMessage `json:"resourcePolicy,omitempty"`
	// PermissionBoundaries limits the principal; empty where none is attached.
	PermissionBoundaries []NamedPolicy `json:"permissionBoundaries,omitempty"`
	// SessionPolicy limits the role session; nil where there is none.
	SessionPolicy json.RawMessage `json:"sessionPolicy,omitempty"`
	// SCPs are the service control policies of the principal's account, a level each (root, OUs, account).
	SCPs []Level `json:"scps,omitempty"`
	// RCPs are the resource control policies of the resource's account, a level each.
	RCPs []Level `json:"rcps,omitempty"`
}

// Request is one API call as IAM sees it.
type Request struct {
	// Principal is the ARN of a role session, user, role or account root, an account id, a service principal
	// ("lambda.amazonaws.com"), or "anonymous".
	Principal string `json:"principal"`
	// Action is service prefix and name: "s3:GetObject".
	Action string `json:"action"`
	// Resource is what is acted on.
	Resource Resource `json:"resource"`
	// Context maps condition keys to a string, or to a []string for a multivalued key.
	Context map[string]any `json:"context"`
}

// Resource names a resource and the account that owns it, which an S3 ARN does not tell.
type Resource struct {
	ARN       string `json:"resource"`
	AccountID string `json:"accountId"`
}

// NamedPolicy is a policy document with the name a finding or a reason calls it by.
type NamedPolicy struct {
	Name   string          `json:"name"`
	Policy json.RawMessage `json:"policy"`
}

// Level is one level of an organization: every level must allow for itself.
type Level struct {
	OrgIdentifier string        `json:"orgIdentifier"`
	Policies      []NamedPolicy `json:"policies"`
}

// Result is a decision with the reasons for it.
type Result struct {
	Decision Decision `json:"decision"`
	// Reasons says of each layer what it did, in the order in which AWS asks them. Empty unless asked for.
	Reasons []Reason `json:"reasons,omitempty"`
}

// Reason is what one layer (for SCPs and RCPs: one level) said of the request.
type Reason struct {
	// Layer is "scp", "rcp", "boundary", "session", "identity" or "resource".
	Layer string `json:"layer"`
	// Level is the orgIdentifier of an SCP or RCP level.
	Level string `json:"level,omitempty"`
	// Outcome is "allowed", "denied", "silent" (no statement matched), "undetermined", "absent" (no such policy), "inapplicable"
	// (the layer does not bind this principal, as identity policies and SCPs do not bind an AWS service), or "delegated" (a
	// resource policy that names the account of the principal and leaves it to the account's own policies).
	Outcome string `json:"outcome"`
	// Statement is the statement that decided the layer, or that left it open; nil when the layer is silent, absent or
	// inapplicable.
	Statement *StatementRef `json:"statement,omitempty"`
	// Nearest is, for a silent layer, the Allow statement that came closest and the part that did not match; for an undetermined
	// one the statement and part that are open.
	Nearest *Miss `json:"nearest,omitempty"`
}

// StatementRef names a statement: the policy's name, the position within its Statement array from 0, and its Sid if it has one.
type StatementRef struct {
	Policy string `json:"policy"`
	Index  int    `json:"index"`
	Sid    string `json:"sid,omitempty"`
}

// Miss is a statement that almost matched and the one part of it that did not.
type Miss struct {
	StatementRef
	// Part is "principal", "action", "resource" or "condition"; "document" for a document that is unknown as a whole.
	Part string `json:"part"`
	// Element is the element that the part is written in, as "NotAction" for an action.
	Element string `json:"element,omitempty"`
	// Operator and Key name the condition, when Part is "condition".
	Operator string `json:"operator,omitempty"`
	Key      string `json:"key,omitempty"`
	// Wanted is what the statement asks for, Got what the request has (nil for a key that the request does not carry).
	Wanted any `json:"wanted"`
	Got    any `json:"got"`
}
