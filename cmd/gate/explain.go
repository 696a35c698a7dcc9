package main

import (
	"context"
	"encoding/json"
	"errors"
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
	summary: "decide one request from stacks or from policies in files, and say why",
	usage: `Usage: gate explain --principal P --action A --resource ARN [FLAGS] [STACK…]

Decides one request as AWS does, and says which statement made the decision, or came closest to it, layer by layer.

Each STACK is a file that "pulumi preview --json --show-sames" or "pulumi stack export" writes; - is standard input. Give those of both
accounts: the policies of the role, its permissions boundary, the policies of the bucket, its key and the network's endpoint, and Public
Access Block are taken from them. What they do not show is not assumed, and the answer says so.

The request:
  --principal P          ARN of a role session, role, user or account root; an account id; a service as in lambda.amazonaws.com;
                         or anonymous
  --action A             as in s3:GetObject
  --resource ARN         what is acted on, or * for an action without a resource
  --resource-account ID  the account that owns the resource; needed where neither its ARN tells it, as for S3, nor a STACK
  --context KEY=VALUE    a condition key of the request; given twice for the same key, the key has both values. Repeatable.
                         What the principal and the resource imply is added unless given: aws:PrincipalArn, aws:PrincipalAccount,
                         aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName, aws:username, aws:ResourceAccount;
                         and of a function in a VPC aws:SourceVpce and aws:SourceVpc, unless aws:SourceIp is given.
                         Nothing else is assumed: without --context aws:SecureTransport=true the request does not say how it came.

The policies, each a file with a policy document:
  --identity [ARN=]FILE  a policy attached to the principal, inline or managed. Repeatable. With its ARN it is the managed policy that a
                         STACK attaches by that ARN.
  --resource-policy FILE the policy attached to the resource: bucket policy, key policy, role trust policy… Before that of a STACK.
  --boundary FILE        the principal's permissions boundary, before that of a STACK
  --session-policy FILE  the policy passed when the role session was made
  --scp [LEVEL=]FILE     a service control policy of the principal's account. Repeatable: each file is a level of its own (root, OUs,
                         account; every level must allow), and files with the same LEVEL= belong to one level.
  --rcp [LEVEL=]FILE     a resource control policy of the resource's account. Repeatable, likewise.

  --format text|json     json has the decision, the request with its whole context, and the reasons

Without a STACK, a layer without a file counts as having no policy. Statements are counted from 0.

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
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK, err
		}
		return exitFailed, fmt.Errorf("%w; `gate help explain` lists the flags", err)
	}
	if given.format == "" {
		given.format = "text"
	}
	if given.format != "text" && given.format != "json" {
		return exitFailed, fmt.Errorf("--format is %q, expected text or json", string(given.format))
	}
	ctx := context.Background()
	answer, err := c.ask(ctx, &given, flags.Args())
	if err != nil {
		return exitFailed, err
	}
	write := answer.writeText
	if given.format == "json" {
		write = answer.writeJSON
	}
	if err := write(c.Stdout); err != nil {
		return exitFailed, fmt.Errorf("writing the answer: %w", err)
	}
	switch answer.results[answer.deciding()].Decision {
	case policy.Allowed:
		return exitOK, nil
	case policy.ExplicitlyDenied, policy.ImplicitlyDenied:
		return exitDenied, nil
	default:
		return exitFailed, nil
	}
}

// explanation is what gate explain has to say.
type explanation struct {
	questions []policy.Question
	results   []policy.Result // of each question
	implied   []string        // keys of the request's context that were not given
	notes     []string
}

// ask puts the question that was given to the evaluator, with what the stacks say to it.
func (c *Command) ask(ctx context.Context, given *explainFlags, stacks []string) (explanation, error) {
	asked, err := given.question()
	if err != nil {
		return explanation{}, err
	}
	var a explanation
	if len(stacks) == 0 {
		err = a.alone(asked)
	} else {
		err = a.among(ctx, c, asked, stacks)
	}
	if err != nil {
		return explanation{}, err
	}
	engine, err := policy.New(ctx)
	if err != nil {
		return explanation{}, err
	}
	for _, question := range a.questions {
		result, err := question.Decide(ctx, engine)
		if err != nil {
			return explanation{}, err
		}
		a.results = append(a.results, result)
	}
	return a, nil
}

// alone asks by what the flags give.
func (a *explanation) alone(asked policy.Case) error {
	resource := &asked.Request.Resource
	if resource.AccountID == "" {
		resource.AccountID = policy.AccountOf(resource.ARN)
	}
	if resource.AccountID == "" {
		return fmt.Errorf(
			"the ARN %s does not tell which account owns the resource; add --resource-account with its 12 digits", resource.ARN)
	}
	for key, value := range policy.ImpliedContext(asked.Request.Principal, *resource) {
		if !policy.HasContextKey(asked.Request.Context, key) {
			asked.Request.Context[key] = value
			a.implied = append(a.implied, key)
		}
	}
	slices.Sort(a.implied)
	a.questions = []policy.Question{{Case: asked}}
	return nil
}

// among asks by what the stacks say as well.
func (a *explanation) among(ctx context.Context, c *Command, asked policy.Case, paths []string) error {
	var files []policy.File
	for _, path := range paths {
		stack, err := c.readStack(path)
		if err != nil {
			return err
		}
		files = append(files, stack.File)
	}
	rules, err := policy.NewRules(ctx)
	if err != nil {
		return err
	}
	access, err := rules.Access(ctx, files...)
	if err != nil {
		return err
	}
	a.questions, a.implied, a.notes, err = access.Questions(ctx, asked)
	return err
}

// deciding is the question that decides, by its index: a request needs every answer to be Allowed, and a denial stands whatever the
// others may turn out to be.
func (a *explanation) deciding() int {
	for _, wanted := range []policy.Decision{policy.ExplicitlyDenied, policy.ImplicitlyDenied, policy.Undetermined} {
		for i, result := range a.results {
			if result.Decision == wanted {
				return i
			}
		}
	}
	return 0
}

// question puts the flags and the files that they name together to a case.
func (f *explainFlags) question() (question policy.Case, err error) {
	for _, needed := range []struct {
		name  string
		value once
	}{{"principal", f.principal}, {"action", f.action}, {"resource", f.resource}} {
		if needed.value == "" {
			return question, fmt.Errorf("--%s is missing; `gate help explain` shows how to ask", needed.name)
		}
	}
	question.Request = policy.Request{
		Principal: string(f.principal),
		Action:    string(f.action),
		Resource:  policy.Resource{ARN: string(f.resource), AccountID: string(f.resourceAccount)},
	}
	if question.Request.Context, err = contextOf(f.context); err != nil {
		return question, err
	}
	for _, value := range f.identity {
		arn, file, named := strings.Cut(value, "=")
		if named = named && strings.HasPrefix(arn, "arn:"); !named {
			file = value
		}
		if err := appendPolicy(&question.IdentityPolicies, policy.IdentityPolicy, file); err != nil {
			return question, err
		}
		if named {
			question.IdentityPolicies[len(question.IdentityPolicies)-1].Name = arn
		}
	}
	if f.boundary != "" {
		if err := appendPolicy(&question.PermissionBoundaries, policy.PermissionsBoundary, string(f.boundary)); err != nil {
			return question, err
		}
	}
	if f.resourcePolicy != "" {
		if question.ResourcePolicy, err = readPolicy(policy.ResourcePolicyKind(string(f.resource)), string(f.resourcePolicy)); err != nil {
			return question, err
		}
	}
	if f.sessionPolicy != "" {
		if question.SessionPolicy, err = readPolicy(policy.SessionPolicy, string(f.sessionPolicy)); err != nil {
			return question, err
		}
	}
	if question.SCPs, err = levelsOf(policy.ServiceControlPolicy, f.scp); err != nil {
		return question, err
	}
	if question.RCPs, err = levelsOf(policy.ResourceControlPolicy, f.rcp); err != nil {
		return question, err
	}
	return question, nil
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

func (a *explanation) writeJSON(out io.Writer) error {
	type decision struct {
		About    string          `json:"about,omitempty"`
		Decision policy.Decision `json:"decision"`
		Sentence string          `json:"sentence"`
		Request  policy.Request  `json:"request"`
		Implied  []string        `json:"implied,omitempty"`
		Reasons  []policy.Reason `json:"reasons"`
	}
	all := make([]decision, len(a.results))
	for i, result := range a.results {
		all[i] = decision{
			About: a.questions[i].About, Decision: result.Decision, Sentence: result.Sentence(),
			Request: a.questions[i].Case.Request, Reasons: result.Reasons,
		}
	}
	first, decides := all[0], all[a.deciding()]
	first.Decision, first.Sentence, first.Implied = decides.Decision, decides.Sentence, a.implied
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		decision
		Besides []decision `json:"besides,omitempty"` // what has to allow it too
		Notes   []string   `json:"notes,omitempty"`
	}{first, all[1:], a.notes})
}

// writeText puts the answer first, then the request as it was judged, then what each layer said, and then what no policy shows.
func (a *explanation) writeText(out io.Writer) error {
	var b strings.Builder
	decides := a.deciding()
	b.WriteString(headline(a.results[decides]) + "\n")
	if about := a.questions[decides].About; about != "" {
		b.WriteString("That is what became of " + about + ".\n")
	}
	b.WriteString("\n")

	request := a.questions[0].Case.Request
	fmt.Fprintf(&b, "request    %s\n           on %s of account %s\n           by %s\n",
		request.Action, request.Resource.ARN, request.Resource.AccountID, request.Principal)
	title := "context"
	for _, key := range slices.Sorted(maps.Keys(request.Context)) {
		note := ""
		if slices.Contains(a.implied, key) {
			note = "  (implied)"
		}
		fmt.Fprintf(&b, "%-10s %s = %s%s\n", title, key, strings.Join(valuesOf(request.Context[key]), ", "), note)
		title = ""
	}
	b.WriteString("\n" + a.results[0].Layers())
	for i, question := range a.questions[1:] {
		fmt.Fprintf(&b, "\nbesides    %s:\n           %s\n%s", question.About, headline(a.results[i+1]), a.results[i+1].Layers())
	}
	for i, note := range a.notes {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%-10s %s\n", "note", note)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// headline is a result in a line that begins with the decision in capitals.
func headline(result policy.Result) string {
	decision, rest, more := strings.Cut(result.Verdict(), " ")
	if more {
		rest = " " + rest
	}
	return strings.ToUpper(decision) + rest
}

func valuesOf(value any) []string {
	if values, ok := value.([]string); ok {
		return values
	}
	return []string{fmt.Sprint(value)}
}
