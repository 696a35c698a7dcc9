package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cross-account-s3/policy"
)

var explainCommand = subcommand{
	name:    "explain",
	summary: "decide one request from policies in files, and say why",
	usage: `Usage: gate explain --principal P --action A --resource ARN [FLAGS]

Decides one request as AWS does, and says which statement made the decision, or came closest to it, layer by layer.

The request:
  --principal P          ARN of a role session, role, user or account root; an account id; a service as in lambda.amazonaws.com;
                         or anonymous
  --action A             as in s3:GetObject
  --resource ARN         what is acted on, or * for an action without a resource
  --resource-account ID  the account that owns the resource; needed where the ARN does not tell it, as for S3
  --context KEY=VALUE    a condition key of the request; given twice for the same key, the key has both values. Repeatable.
                         What the principal and the resource imply is added unless given: aws:PrincipalArn, aws:PrincipalAccount,
                         aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName, aws:username, aws:ResourceAccount.
                         Nothing else is assumed: without --context aws:SecureTransport=true the request does not say how it came.

The policies, each a file with a policy document:
  --identity FILE        a policy attached to the principal, inline or managed. Repeatable.
  --resource-policy FILE the policy attached to the resource: bucket policy, key policy, role trust policy…
  --boundary FILE        the principal's permissions boundary
  --session-policy FILE  the policy passed when the role session was made
  --scp [LEVEL=]FILE     a service control policy of the principal's account. Repeatable: each file is a level of its own (root, OUs,
                         account; every level must allow), and files with the same LEVEL= belong to one level.
  --rcp [LEVEL=]FILE     a resource control policy of the resource's account. Repeatable, likewise.

  --format text|json     json has the decision, the request with its whole context, and the reasons

A layer without a file counts as having no policy. Statements are counted from 0.

Exit code: 0 allowed, 1 denied, 2 could not judge: the answer is Undetermined, a file is malformed, or the request is incomplete.
`,
	run: (*Command).explain,
}

// once is a flag's value that may be given one time.
type once string

func (o *once) String() string { return string(*o) }

func (o *once) Set(value string) error {
	switch {
	case *o != "":
		return fmt.Errorf("given twice, first as %q", string(*o))
	case value == "":
		return fmt.Errorf("empty")
	}
	*o = once(value)
	return nil
}

// several is a flag's value that may be given any number of times.
type several []string

func (s *several) String() string { return strings.Join(*s, ", ") }

func (s *several) Set(value string) error {
	if value == "" {
		return fmt.Errorf("empty")
	}
	*s = append(*s, value)
	return nil
}

type explainFlags struct {
	principal, action, resource, resourceAccount    once
	resourcePolicy, boundary, sessionPolicy, format once
	context, identity, scp, rcp                     several
}

func (c *Command) explain(args []string) (int, error) {
	var given explainFlags
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	for name, value := range map[string]flag.Value{
		"principal": &given.principal, "action": &given.action, "resource": &given.resource, "resource-account": &given.resourceAccount,
		"context": &given.context, "identity": &given.identity, "resource-policy": &given.resourcePolicy, "boundary": &given.boundary,
		"session-policy": &given.sessionPolicy, "scp": &given.scp, "rcp": &given.rcp, "format": &given.format,
	} {
		flags.Var(value, name, "")
	}
	if err := parseFlags(flags, args); err != nil {
		return exitFailed, err
	}
	if given.format == "" {
		given.format = "text"
	}
	if given.format != "text" && given.format != "json" {
		return exitFailed, fmt.Errorf("--format is %q, expected text or json", string(given.format))
	}
	question, implied, err := given.question()
	if err != nil {
		return exitFailed, err
	}
	ctx := context.Background()
	engine, err := policy.New(ctx)
	if err != nil {
		return exitFailed, err
	}
	result, err := engine.Decide(ctx, question)
	if err != nil {
		return exitFailed, err
	}
	write := writeText
	if given.format == "json" {
		write = writeJSON
	}
	if err := write(c.Stdout, question, implied, result); err != nil {
		return exitFailed, fmt.Errorf("writing the answer: %w", err)
	}
	switch result.Decision {
	case policy.Allowed:
		return exitOK, nil
	case policy.ExplicitlyDenied, policy.ImplicitlyDenied:
		return exitDenied, nil
	default:
		return exitFailed, nil
	}
}

// question puts the flags and the files that they name together to a case. implied are the context keys that were not given.
func (f *explainFlags) question() (question policy.Case, implied []string, err error) {
	for _, needed := range []struct {
		name  string
		value once
	}{{"principal", f.principal}, {"action", f.action}, {"resource", f.resource}} {
		if needed.value == "" {
			return question, nil, fmt.Errorf("--%s is missing; `gate help explain` shows how to ask", needed.name)
		}
	}
	account := string(f.resourceAccount)
	if account == "" {
		account = policy.AccountOf(string(f.resource))
	}
	if account == "" {
		return question, nil, fmt.Errorf(
			"the ARN %s does not tell which account owns the resource; add --resource-account with its 12 digits", f.resource)
	}
	question.Request = policy.Request{
		Principal: string(f.principal),
		Action:    string(f.action),
		Resource:  policy.Resource{ARN: string(f.resource), AccountID: account},
	}
	if question.Request.Context, err = contextOf(f.context); err != nil {
		return question, nil, err
	}
	for key, value := range policy.ImpliedContext(question.Request.Principal, question.Request.Resource) {
		if !hasKey(question.Request.Context, key) {
			question.Request.Context[key] = value
			implied = append(implied, key)
		}
	}
	slices.Sort(implied)

	for _, file := range f.identity {
		if err := appendPolicy(&question.IdentityPolicies, policy.IdentityPolicy, file); err != nil {
			return question, nil, err
		}
	}
	if f.boundary != "" {
		if err := appendPolicy(&question.PermissionBoundaries, policy.PermissionsBoundary, string(f.boundary)); err != nil {
			return question, nil, err
		}
	}
	if f.resourcePolicy != "" {
		if question.ResourcePolicy, err = readPolicy(policy.ResourcePolicyKind(string(f.resource)), string(f.resourcePolicy)); err != nil {
			return question, nil, err
		}
	}
	if f.sessionPolicy != "" {
		if question.SessionPolicy, err = readPolicy(policy.SessionPolicy, string(f.sessionPolicy)); err != nil {
			return question, nil, err
		}
	}
	if question.SCPs, err = levelsOf(policy.ServiceControlPolicy, f.scp); err != nil {
		return question, nil, err
	}
	if question.RCPs, err = levelsOf(policy.ResourceControlPolicy, f.rcp); err != nil {
		return question, nil, err
	}
	return question, implied, nil
}

// contextOf turns KEY=VALUE pairs into a request's context.
func contextOf(pairs []string) (map[string]any, error) {
	values := map[string]any{}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return nil, fmt.Errorf("--context is %q, expected KEY=VALUE as in aws:SecureTransport=true", pair)
		}
		switch before := values[key].(type) {
		case nil:
			values[key] = value
		case string:
			values[key] = []string{before, value}
		case []string:
			values[key] = append(before, value)
		}
	}
	return values, nil
}

// hasKey looks a condition key up as AWS does, regardless of letter case.
func hasKey(context map[string]any, key string) bool {
	for given := range context {
		if strings.EqualFold(given, key) {
			return true
		}
	}
	return false
}

func readPolicy(kind policy.Kind, file string) (json.RawMessage, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	if _, err := policy.ReadDocument(kind, file, text); err != nil {
		return nil, err
	}
	return text, nil
}

func appendPolicy(policies *[]policy.NamedPolicy, kind policy.Kind, file string) error {
	text, err := readPolicy(kind, file)
	if err != nil {
		return err
	}
	*policies = append(*policies, policy.NamedPolicy{Name: filepath.Base(file), Policy: text})
	return nil
}

// levelsOf reads the files of an organization's policies: those with the same LEVEL= make one level, each other file makes its
// own.
func levelsOf(kind policy.Kind, values []string) ([]policy.Level, error) {
	var levels []policy.Level
	for _, value := range values {
		name, file, named := strings.Cut(value, "=")
		if !named {
			name, file = filepath.Base(value), value
		}
		at := -1
		if named {
			at = slices.IndexFunc(levels, func(level policy.Level) bool { return level.OrgIdentifier == name })
		}
		if at < 0 {
			levels = append(levels, policy.Level{OrgIdentifier: name})
			at = len(levels) - 1
		}
		if err := appendPolicy(&levels[at].Policies, kind, file); err != nil {
			return nil, err
		}
	}
	return levels, nil
}

func writeJSON(out io.Writer, question policy.Case, implied []string, result policy.Result) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Decision policy.Decision `json:"decision"`
		Sentence string          `json:"sentence"`
		Request  policy.Request  `json:"request"`
		Implied  []string        `json:"implied"`
		Reasons  []policy.Reason `json:"reasons"`
	}{result.Decision, result.Sentence(), question.Request, implied, result.Reasons})
}

// writeText puts the answer first, then the request as it was judged, then what each layer said.
func writeText(out io.Writer, question policy.Case, implied []string, result policy.Result) error {
	var b strings.Builder
	decision, rest, more := strings.Cut(result.Verdict(), " ")
	b.WriteString(strings.ToUpper(decision))
	if more {
		b.WriteString(" " + rest)
	}
	b.WriteString("\n\n")

	request := question.Request
	fmt.Fprintf(&b, "request    %s\n           on %s of account %s\n           by %s\n",
		request.Action, request.Resource.ARN, request.Resource.AccountID, request.Principal)
	title := "context"
	for _, key := range slices.Sorted(maps.Keys(request.Context)) {
		note := ""
		if slices.Contains(implied, key) {
			note = "  (implied)"
		}
		fmt.Fprintf(&b, "%-10s %s = %s%s\n", title, key, strings.Join(valuesOf(request.Context[key]), ", "), note)
		title = ""
	}
	b.WriteString("\n" + result.Layers())
	_, err := io.WriteString(out, b.String())
	return err
}

func valuesOf(value any) []string {
	if values, ok := value.([]string); ok {
		return values
	}
	return []string{fmt.Sprint(value)}
}
