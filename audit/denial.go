package audit

import (
	"context"
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

// explain says why the stacks' policies deny an access, or that they do not, as gate explain does.
func (a *Audit) explain(ctx context.Context, action string, r request) (policy.Decision, string, error) {
	switch {
	case r.resource == "":
		return policy.Undetermined, "The record does not tell the resource.", nil
	case strings.Contains(r.session, " "): // as Audit.caller calls them
		return policy.Undetermined, "The record does not tell who of the account it was.", nil
	}
	questions, _, notes, err := a.access.Questions(ctx, policy.Case{Request: policy.Request{
		Principal: r.session, Action: action, Resource: policy.Resource{ARN: r.resource, AccountID: r.owner}, Context: r.context,
	}})
	switch {
	case ctx.Err() != nil:
		return policy.Undetermined, "", ctx.Err()
	case err != nil:
		//nolint:nilerr // That the stacks do not tell enough is the answer to this one question, and no reason to answer no other.
		return policy.Undetermined, "It cannot be judged: " + err.Error(), nil
	}
	var worst policy.Result
	about := ""
	for _, question := range questions {
		result, err := question.Decide(ctx, a.engine)
		var malformed policy.MalformedError
		switch {
		case errors.As(err, &malformed):
			return policy.Undetermined, "It cannot be judged: " + malformed.Error(), nil
		case err != nil:
			return policy.Undetermined, "", err
		}
		if worst.Decision == "" || slices.Index(fromWorst, result.Decision) < slices.Index(fromWorst, worst.Decision) {
			worst, about = result, question.About
		}
	}
	sentence := worst.Sentence()
	switch worst.Decision {
	case policy.Allowed:
		return worst.Decision, "The policies of the stacks allow it: they were others then, or a policy that is not in the stacks denied it.", nil
	case policy.Undetermined:
		sentence += " " + strings.Join(notes, " ")
	default:
	}
	if about != "" {
		sentence = "About " + about + ": " + sentence
	}
	return worst.Decision, sentence, nil
}

// fromWorst are the decisions by which of them stands, whatever the others are.
var fromWorst = []policy.Decision{policy.ExplicitlyDenied, policy.ImplicitlyDenied, policy.Undetermined, policy.Allowed}

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
