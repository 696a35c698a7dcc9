package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

// request is what the evaluator needs of a denied access.
type request struct {
	at time.Time
	// session is who called, principal the role whose session it is.
	session, principal string
	resource, owner    string
	context            map[string]any
	code               string
}

func requestOf(record *trail.Record, who caller, access trail.Access) request {
	r := request{
		at: record.Time, session: record.Identity.ARN, principal: who.name, resource: access.Resource, code: record.ErrorCode,
		context: map[string]any{},
	}
	for _, resource := range record.Resources {
		if resource.Account != "" {
			r.owner = resource.Account
		}
	}
	if r.session == "" {
		r.session = who.name
	}
	if who.name != r.session && strings.Contains(who.name, ":role/") {
		r.context["aws:PrincipalArn"] = who.name
	}
	if address, err := netip.ParseAddr(record.SourceIP); err == nil {
		key := "aws:SourceIp"
		if record.VPCEndpoint != "" {
			key = "aws:VpcSourceIp"
		}
		r.context[key] = address.String()
	}
	if record.VPCEndpoint != "" {
		r.context["aws:SourceVpce"] = record.VPCEndpoint
	}
	version := strings.TrimPrefix(record.TLS.Version, "TLSv")
	switch {
	case version != "" || record.More.CipherSuite != "":
		r.context["aws:SecureTransport"] = "true"
	case record.Source == "s3.amazonaws.com" && record.Plain():
		r.context["aws:SecureTransport"] = "false"
	}
	if record.Source == "s3.amazonaws.com" {
		if version != "" {
			r.context["s3:TlsVersion"] = version
		}
		if record.Request.Prefix != "" {
			r.context["s3:prefix"] = string(record.Request.Prefix)
		}
	}
	return r
}

// explain says why the stacks' policies deny an access, or that they do not.
func (a *Audit) explain(ctx context.Context, action string, r request) (policy.Decision, string, error) {
	question := policy.Case{Request: policy.Request{
		Principal: r.session, Action: action, Resource: policy.Resource{ARN: r.resource, AccountID: r.owner}, Context: r.context,
	}}
	if r.resource == "" {
		return policy.Undetermined, "The record does not tell the resource.", nil
	}
	if resource := a.resourcePolicy(r.resource); resource != nil {
		question.ResourcePolicy = policyText(*resource)
		if resource.Account != "" {
			question.Request.Resource.AccountID = resource.Account
		}
	} else {
		question.ResourcePolicy = policy.UnknownPolicy()
	}
	if question.Request.Resource.AccountID == "" {
		question.Request.Resource.AccountID = policy.AccountOf(r.resource)
	}
	if question.Request.Resource.AccountID == "" {
		return policy.Undetermined, "Neither the stacks nor the record tell whose the resource is.", nil
	}
	for key, value := range policy.ImpliedContext(r.session, question.Request.Resource) {
		if _, given := question.Request.Context[key]; !given {
			question.Request.Context[key] = value
		}
	}
	a.identityPolicies(&question, r.principal)

	result, err := a.engine.Decide(ctx, question)
	if err != nil {
		if malformed := policy.MalformedError(nil); errors.As(err, &malformed) {
			return policy.Undetermined, "The evaluator cannot judge it: " + malformed.Error() + ".", nil
		}
		return policy.Undetermined, "", err
	}
	var missing []string
	if policy.IsUnknownPolicy(question.ResourcePolicy) {
		missing = append(missing, "the policy of the resource")
	}
	if slices.ContainsFunc(question.IdentityPolicies, func(one policy.NamedPolicy) bool { return policy.IsUnknownPolicy(one.Policy) }) {
		missing = append(missing, "all policies of the principal")
	}
	if result.Decision == policy.Undetermined && len(missing) > 0 {
		return result.Decision, silent(result) + "The stacks do not have " + strings.Join(missing, ", nor ") + ".", nil
	}
	if result.Decision == policy.Allowed {
		return result.Decision, "The policies of the stacks allow it: they were others then, or a policy that is not in the stacks denied it.", nil
	}
	return result.Decision, result.Sentence(), nil
}

// silent tells of the halves that certainly do not allow an access, whatever is not known besides.
func silent(result policy.Result) string {
	text := ""
	for _, reason := range result.Reasons {
		half := reason.Layer == "identity" || reason.Layer == "resource"
		if half && (reason.Outcome == "silent" || reason.Outcome == "absent") {
			sentence := reason.Sentence()
			text += strings.ToUpper(sentence[:1]) + sentence[1:] + ". "
		}
	}
	return text
}

// resourcePolicy is the attachment of a resource's policy, whether it is known or not; nil where the stacks have none.
func (a *Audit) resourcePolicy(arn string) *policy.Attachment {
	if strings.Contains(arn, ":s3:::") {
		arn, _, _ = strings.Cut(arn, "/")
	}
	return a.resources[arn]
}

// policyText is a policy as the evaluator takes it, known or not.
func policyText(attachment policy.Attachment) json.RawMessage {
	text, err := attachment.Document()
	if err != nil {
		return policy.UnknownPolicy()
	}
	return text
}

// identityPolicies adds what is attached to a principal. What the stacks do not have of it is unknown, which is not the same as none.
func (a *Audit) identityPolicies(question *policy.Case, principal string) {
	named := func(name string, text json.RawMessage) policy.NamedPolicy {
		return policy.NamedPolicy{Name: name, Policy: text}
	}
	index := slices.IndexFunc(a.system.Roles, func(role policy.Role) bool { return role.ARN == principal })
	if index < 0 {
		if strings.HasPrefix(principal, "arn:") && !strings.HasSuffix(principal, ":root") {
			question.IdentityPolicies = append(question.IdentityPolicies, named("that the stacks do not have", policy.UnknownPolicy()))
		}
		return
	}
	role := a.system.Roles[index]
	managed := func(arn string) json.RawMessage {
		for _, attachment := range a.system.Attachments {
			if attachment.Kind == "identity" && attachment.ARN == arn {
				return policyText(attachment)
			}
		}
		return policy.UnknownPolicy()
	}
	for _, attachment := range a.system.Attachments {
		if attachment.Kind == "identity" && attachment.Stack == role.Stack && attachment.Role == role.Name {
			question.IdentityPolicies = append(question.IdentityPolicies, named(nameOf(attachment), policyText(attachment)))
		}
	}
	for _, arn := range role.Managed {
		question.IdentityPolicies = append(question.IdentityPolicies, named(arn[strings.LastIndexByte(arn, '/')+1:], managed(arn)))
	}
	if role.Boundary != "" {
		question.PermissionBoundaries = append(question.PermissionBoundaries, named("boundary", managed(role.Boundary)))
	}
}

// denials explains what was denied, the most frequent first. cut is how many kinds of it are beyond what is explained.
func (a *Audit) denials(ctx context.Context, groups map[deniedKey]*denied) (all map[string][]Denial, cut int, err error) {
	keys := make([]deniedKey, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y deniedKey) int {
		if groups[x].count != groups[y].count {
			return groups[y].count - groups[x].count
		}
		return strings.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
	if len(keys) > maxExplained {
		cut, keys = len(keys)-maxExplained, keys[:maxExplained]
	}
	all = map[string][]Denial{}
	for _, key := range keys {
		group := groups[key]
		decision, reason, err := a.explain(ctx, key.action, group.example)
		if err != nil {
			return nil, 0, fmt.Errorf("explaining why %s was denied %s: %w", key.principal, key.action, err)
		}
		all[key.principal] = append(all[key.principal], Denial{
			Action: key.action, Resource: group.example.resource, Within: key.resource, Records: group.count,
			First: group.first, Last: group.last, Code: group.example.code, Decision: decision, Reason: reason, AWS: key.because,
		})
	}
	return all, cut, nil
}
