package policy

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"
)

// Go embeds nothing from a directory above, so that a copy of policies.rego stands here; a test fails when it is not the same.
//
//go:generate cp ../policies.rego rules/policies.embed
//go:embed rules catalogue/actions.json
var ruleModules embed.FS

// Rule is what one of the rules says of itself in its METADATA.
type Rule struct {
	// ID is the rule's name in findings, as secure-transport.
	ID       string `json:"id"`
	Title    string `json:"title"`
	Category string `json:"category"`
	// Severity is that of all its findings; empty where it hangs on what is found.
	Severity    Severity `json:"severity,omitempty"`
	Description string   `json:"description"`
	Remediation string   `json:"remediation"`
	// References are pages of documentation the rule stands on.
	References []string `json:"references"`
}

// Docs is where the rule is explained.
func (r Rule) Docs() string { return "docs/rules.md#" + r.ID }

// Rules judges what Pulumi is about to deploy, or has deployed, by the rules in policies.rego. It is safe for concurrent use.
type Rules struct {
	rules   []Rule
	program *program
	// found finds resources and policies; stacks judges them as a whole, resources the resources by themselves, policies and strictPolicies
	// the policies; verdict sorts the findings by whether an exception covers them.
	found, stacks, resources, policies, strictPolicies, verdict preparedQuery
	// system finds policies and roles, and judges nothing.
	system  preparedQuery
	actions map[string]Action
	// access finds what has a say in a request; publicness says whether S3 calls a bucket policy public.
	access, publicness preparedQuery
	// excepts tells whether there are exceptions.
	excepts bool
}

// NewRules compiles the rules, which let pass what the exceptions cover. An error means that the modules built into the program are broken.
func NewRules(ctx context.Context, exceptions ...Exception) (*Rules, error) {
	sources, err := readModules(modules, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	rules, err := readModules(ruleModules, "rules")
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	maps.Copy(sources, rules)
	text, err := ruleModules.ReadFile("catalogue/actions.json")
	if err != nil {
		return nil, fmt.Errorf("reading the action catalogue: %w", err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(text, &catalogue); err != nil {
		return nil, fmt.Errorf("reading the action catalogue: %w", err)
	}
	var given any
	if err := convert(exceptions, &given); err != nil {
		return nil, err
	}
	program, err := newProgram(ctx, sources, map[string]any{"catalogue": catalogue, "exceptions": given})
	if err != nil {
		return nil, fmt.Errorf("compiling the rules: %w", err)
	}
	r := &Rules{program: program, rules: rulesOf(program.compiler), excepts: len(exceptions) > 0}
	if r.actions, err = readActions(text); err != nil {
		return nil, err
	}
	for query, prepared := range map[string]*preparedQuery{
		aboutStacks:   &r.stacks,
		aboutResource: &r.resources,
		aboutFound:    &r.found,
		aboutPolicies: &r.policies,
		// The strict reader in Go has found these well-formed.
		aboutPolicies + " with data.iam.documents.well_formed as true": &r.strictPolicies,
		verdict:     &r.verdict,
		aboutSystem: &r.system,
		aboutAccess: &r.access,
		"truth = data.iam.publicness.truth(input)": &r.publicness,
	} {
		if *prepared, err = program.prepare(query); err != nil {
			return nil, fmt.Errorf("preparing the rules: %w", err)
		}
	}
	return r, nil
}

// What the rules are asked.
const (
	aboutFound    = `resources = data.pulumi.stacks.resources; attachments = data.pulumi.attachments.found`
	aboutStacks   = `[findings, shown] = [data.policies.about_stacks, data.pulumi.exceptions.shown]` + whatWasFound
	aboutResource = `findings = data.policies.about_resource` + whatWasFound
	whatWasFound  = `
		with input as input.files
		with data.pulumi.stacks.resources as input.resources
		with data.pulumi.attachments.found as input.attachments`
	aboutPolicies = `findings = data.policies.about_policy with data.pulumi.attachments.found as input`
	aboutAccess   = `found = {
		"resources": data.pulumi.access.found,
		"attachments": data.pulumi.attachments.found,
		"regions": data.pulumi.regions.found,
		"incomplete": [[file.path, message] |
			some file in data.pulumi.stacks.files
			some message in data.pulumi.stacks.incomplete(file.contents)
		],
	}`
	aboutSystem = `attachments = data.pulumi.attachments.found; roles = data.pulumi.roles.found`
	verdict     = `[findings, excepted] = [data.policies.deny | data.policies.warn, data.policies.excepted]
		with data.policies.finding as input.findings
		with data.pulumi.exceptions.shown as input.shown`
)

// rulesOf reads the METADATA of the rules, in the order in which they stand in policies.rego.
func rulesOf(compiler *ast.Compiler) []Rule {
	var rules []Rule
	for _, annotated := range compiler.GetAnnotationSet().Flatten() {
		annotation := annotated.Annotations
		id, isRule := annotation.Custom["id"].(string)
		if !isRule {
			continue
		}
		rule := Rule{ID: id, Title: annotation.Title, Description: strings.TrimSpace(annotation.Description)}
		rule.Category, _ = annotation.Custom["category"].(string)
		severity, _ := annotation.Custom["severity"].(string)
		rule.Severity = Severity(severity)
		rule.Remediation, _ = annotation.Custom["remediation"].(string)
		for _, related := range annotation.RelatedResources {
			rule.References = append(rule.References, related.Ref.String())
		}
		rules = append(rules, rule)
	}
	return rules
}

// List are all rules, in the order in which they stand in policies.rego.
func (r *Rules) List() []Rule { return slices.Clone(r.rules) }

// Page is docs/rules.md: what the rules say of themselves, as Markdown.
func (r *Rules) Page() string {
	var b strings.Builder
	b.WriteString("# Rules\n\nGenerated from the METADATA of policies.rego by `go run ./cmd/gate rules`.\n\n")
	b.WriteString("| rule | category | |\n|---|---|---|\n")
	for _, rule := range r.rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", rule.ID, rule.ID, rule.Category, rule.Title)
	}
	for _, rule := range r.rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (%s)\n\n%s\n\n", rule.ID, rule.Title, rule.Category, rule.Description)
		fmt.Fprintf(&b, "What to do: %s\n\n", rule.Remediation)
		if rule.ID != canaryRule {
			fmt.Fprintf(&b, "[A good and a bad example](../examples/rules/%s)\n\n", rule.ID)
		}
		for _, reference := range rule.References {
			fmt.Fprintf(&b, "- <%s>\n", reference)
		}
	}
	return b.String()
}

// File is what Pulumi wrote of a stack: the JSON of a preview made with --show-sames, or of an export.
type File struct {
	// Path is what findings about the file call it; it can be empty.
	Path     string          `json:"path"`
	Contents json.RawMessage `json:"contents"`
}

// attachment is a policy that the rules have found.
type attachment struct {
	Stack string `json:"stack"`
	URN   string `json:"urn"`
	Kind  string `json:"kind"`
	// ARN and Account are those of what it is attached to.
	ARN     string `json:"arn"`
	Account string `json:"account"`
	Text    any    `json:"text"`
	// given is the whole of it, as Rego has it.
	given *ast.Term
}

// Judgement is what a check found.
type Judgement struct {
	// Findings are those that no exception covers. They are sorted: the worst first, then by stack and resource.
	Findings []Finding
	// Excepted are those that an exception covers, sorted like the others.
	Excepted []Excepted
	// Policies is how many policies of each stack were looked at, by the stack's name.
	Policies map[string]int
}

// Check judges files together, as one system. Policies are also read strictly, as AWS reads them, which Rego alone cannot do.
func (r *Rules) Check(ctx context.Context, files ...File) (Judgement, error) {
	input, err := filesValue(files)
	if err != nil {
		return Judgement{}, err
	}
	found, err := r.ask(ctx, r.found, input)
	if err != nil {
		return Judgement{}, err
	}
	attachments, err := readAttachments(found)
	if err != nil {
		return Judgement{}, err
	}
	judged := Judgement{Policies: map[string]int{}}
	for _, a := range attachments {
		judged.Policies[a.Stack]++
	}
	all := ast.NewObject(
		[2]*ast.Term{word("files"), ast.NewTerm(input)},
		[2]*ast.Term{word("resources"), ast.NewTerm(found.value("resources"))},
		[2]*ast.Term{word("attachments"), ast.NewTerm(found.value("attachments"))},
	)
	var ofStacks, ofResources, ofPolicies []Finding
	var shown ast.Value
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		about, err := r.ask(groupCtx, r.stacks, all)
		if err != nil {
			return err
		}
		shown = about.value("shown")
		return about.read("findings", &ofStacks)
	})
	group.Go(func() error {
		about, err := r.ask(groupCtx, r.resources, all)
		if err != nil {
			return err
		}
		return about.read("findings", &ofResources)
	})
	group.Go(func() (err error) {
		ofPolicies, err = r.judgePolicies(groupCtx, attachments)
		return err
	})
	if err := group.Wait(); err != nil {
		return Judgement{}, err
	}
	if judged.Findings, judged.Excepted, err = r.except(ctx, slices.Concat(ofStacks, ofResources, ofPolicies), shown); err != nil {
		return Judgement{}, err
	}
	slices.SortFunc(judged.Findings, compareFindings)
	slices.SortFunc(judged.Excepted, func(a, b Excepted) int { return compareFindings(a.Finding, b.Finding) })
	return judged, nil
}

// CheckResource judges the policies of one resource of a file, each by itself; what the others come to together is left to Check.
func (r *Rules) CheckResource(ctx context.Context, file File, urn string) ([]Finding, error) {
	input, err := filesValue([]File{file})
	if err != nil {
		return nil, err
	}
	found, err := r.ask(ctx, r.found, input)
	if err != nil {
		return nil, err
	}
	attachments, err := readAttachments(found)
	if err != nil {
		return nil, err
	}
	attachments = slices.DeleteFunc(attachments, func(a attachment) bool { return a.URN != urn })
	findings, err := r.judgePolicies(ctx, attachments)
	if err != nil {
		return nil, err
	}
	findings, _, err = r.except(ctx, findings, ast.NewArray())
	slices.SortFunc(findings, compareFindings)
	return findings, err
}

// filesValue is the input of the rules.
func filesValue(files []File) (ast.Value, error) {
	text, err := json.Marshal(files)
	if err != nil {
		return nil, fmt.Errorf("judging: %w", err)
	}
	value, err := ast.ValueFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("judging: %w", err)
	}
	return value, nil
}

// except takes what exceptions cover out of the findings, and adds what is to say of the exceptions that are shown.
func (r *Rules) except(ctx context.Context, findings []Finding, shown ast.Value) (standing []Finding, excepted []Excepted, err error) {
	if !r.excepts {
		return findings, nil, nil
	}
	var given any
	if err := convert(findings, &given); err != nil {
		return nil, nil, err
	}
	value, err := ast.InterfaceToValue(given)
	if err != nil {
		return nil, nil, fmt.Errorf("judging: %w", err)
	}
	found, err := r.ask(ctx, r.verdict, ast.NewObject(
		[2]*ast.Term{word("findings"), ast.NewTerm(value)},
		[2]*ast.Term{word("shown"), ast.NewTerm(shown)},
	))
	if err != nil {
		return nil, nil, err
	}
	if err := found.read("findings", &standing); err != nil {
		return nil, nil, err
	}
	return standing, excepted, found.read("excepted", &excepted)
}

func readAttachments(found answer) ([]attachment, error) {
	var attachments []attachment
	if err := found.read("attachments", &attachments); err != nil {
		return nil, err
	}
	given, isArray := found.value("attachments").(*ast.Array)
	if !isArray || given.Len() != len(attachments) {
		return nil, errors.New("judging: the rules gave no list of policies")
	}
	for i := range attachments {
		attachments[i].given = given.Elem(i)
	}
	return attachments, nil
}

// judgePolicies judges attachments, each by itself. Of those that say the same of what they are attached to, one is judged for all: only
// where fault is found with it, the others are judged too.
func (r *Rules) judgePolicies(ctx context.Context, attachments []attachment) ([]Finding, error) {
	var findings []Finding
	var strict, others []*ast.Term
	alike := map[string][]*ast.Term{}  // by shape, all but the first
	shapes := map[[2]string][]string{} // of the first, by stack and URN
	for _, a := range attachments {
		finding, ok := r.readStrictly(a)
		switch {
		case ok:
			shape := a.shape()
			same, seen := alike[shape]
			if seen {
				alike[shape] = append(same, a.given)
				continue
			}
			alike[shape] = nil
			shapes[[2]string{a.Stack, a.URN}] = append(shapes[[2]string{a.Stack, a.URN}], shape)
			strict = append(strict, a.given)
		case finding != nil: // There is no more to say of it.
			findings = append(findings, *finding)
		default:
			others = append(others, a.given)
		}
	}
	judged, err := r.judgeBatches(ctx, r.strictPolicies, strict)
	if err != nil {
		return nil, err
	}
	var rest []*ast.Term
	for _, finding := range judged {
		resource := [2]string{finding.Stack, finding.URN}
		for _, shape := range shapes[resource] {
			rest = append(rest, alike[shape]...)
		}
		delete(shapes, resource)
	}
	findings = append(findings, judged...)
	if judged, err = r.judgeBatches(ctx, r.strictPolicies, rest); err != nil {
		return nil, err
	}
	findings = append(findings, judged...)
	judged, err = r.judgeBatches(ctx, r.policies, others)
	return append(findings, judged...), err
}

// judgeBatches judges attachments in batches, as many at once as there are processors.
func (r *Rules) judgeBatches(ctx context.Context, query preparedQuery, attachments []*ast.Term) ([]Finding, error) {
	const batch = 256
	batches := slices.Collect(slices.Chunk(attachments, batch))
	findings := make([][]Finding, len(batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, batch := range batches {
		group.Go(func() error {
			judged, err := r.ask(ctx, query, ast.NewArray(batch...))
			if err != nil {
				return err
			}
			return judged.read("findings", &findings[i])
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(findings...), nil
}

// ask asks the rules one thing about an input.
func (r *Rules) ask(ctx context.Context, query preparedQuery, input ast.Value) (answer, error) {
	found, err := r.program.ask(ctx, query, input)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("judging: %w", err)
	}
	return found, err
}

// canaryRule is the rule that finds fault with the rules themselves: no stack is an example of it.
const canaryRule = "canary"

// unjudgedRule is the rule about policies that could not be judged.
const unjudgedRule = "undetermined"

// readStrictly says whether a policy is one that AWS would take. Rego alone does not see all that is wrong with one, as a key that stands
// there twice: the finding is for that, and nil where the policy is not shown.
func (r *Rules) readStrictly(a attachment) (*Finding, bool) {
	shown, err := Attachment{Kind: a.Kind, ARN: a.ARN, Text: a.Text}.read()
	if !shown || err == nil {
		return nil, shown
	}
	rule := r.rules[slices.IndexFunc(r.rules, func(rule Rule) bool { return rule.ID == unjudgedRule })]
	return &Finding{
		Rule: rule.ID, Category: rule.Category, Severity: High, Blocking: true, Stack: a.Stack, URN: a.URN,
		Message: "The policy is not one that AWS would take: " + err.Error(), Remediation: rule.Remediation, Docs: rule.Docs(),
	}, false
}

func compareFindings(a, b Finding) int {
	index := func(f Finding) int {
		if f.Statement == nil {
			return -1
		}
		return f.Statement.Index
	}
	return cmp.Or(
		cmp.Compare(slices.Index(Severities, a.Severity), slices.Index(Severities, b.Severity)),
		strings.Compare(a.Stack, b.Stack), strings.Compare(a.URN, b.URN), cmp.Compare(index(a), index(b)),
		strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message),
	)
}
