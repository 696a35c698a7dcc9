package policy

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
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
	ID          string `json:"id"`
	Title       string `json:"title"`
	Category    string `json:"category"`
	Description string `json:"description"`
	Remediation string `json:"remediation"`
	// References are pages of documentation the rule stands on.
	References []string `json:"references"`
}

// Docs is where the rule is explained.
func (r Rule) Docs() string { return "docs/rules.md#" + r.ID }

// Rules judges what Pulumi is about to deploy, or has deployed, by the rules in policies.rego. It is safe for concurrent use.
type Rules struct {
	rules []Rule
	// stacks judges stacks as a whole, and like attachments finds the policies in them; policies and strictPolicies judge those; verdict
	// sorts the findings by whether an exception covers them.
	stacks, attachments, policies, strictPolicies, verdict rego.PreparedEvalQuery
	// system finds policies and roles, and judges nothing.
	system  rego.PreparedEvalQuery
	actions map[string]Action
	// access finds what has a say in a request; publicness says whether S3 calls a bucket policy public.
	access, publicness rego.PreparedEvalQuery
	// excepts tells whether there are exceptions.
	excepts bool
}

// NewRules compiles the rules, which let pass what the exceptions cover. An error means that the modules built into the program are broken.
func NewRules(ctx context.Context, exceptions ...Exception) (*Rules, error) {
	sources, err := readModules(modules)
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	// What is built in has been checked by the tests.
	compiler := ast.NewCompiler().WithSkipStages(
		ast.StageCheckTypes, ast.StageCheckRecursion, ast.StageBuildRequiredCapabilities, ast.StageCheckRuleConflicts,
	)
	files, err := ruleModules.ReadDir("rules")
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), "_test.rego") {
			continue
		}
		text, err := ruleModules.ReadFile(path.Join("rules", file.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the rules: %w", err)
		}
		name := strings.Replace(file.Name(), ".embed", ".rego", 1)
		module, err := ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		if err != nil {
			return nil, fmt.Errorf("reading the rules: %w", err)
		}
		sources["rules/"+name] = module
	}
	if compiler.Compile(sources); compiler.Failed() {
		return nil, fmt.Errorf("compiling the rules: %w", compiler.Errors)
	}
	text, err := ruleModules.ReadFile("catalogue/actions.json")
	if err != nil {
		return nil, fmt.Errorf("reading the action catalogue: %w", err)
	}
	var catalogue map[string]any
	if err := json.Unmarshal(text, &catalogue); err != nil {
		return nil, fmt.Errorf("reading the action catalogue: %w", err)
	}
	rules := &Rules{rules: rulesOf(compiler), excepts: len(exceptions) > 0}
	if rules.actions, err = readActions(text); err != nil {
		return nil, err
	}
	var given any
	if err := convert(exceptions, &given); err != nil {
		return nil, err
	}
	data := map[string]any{"catalogue": catalogue, "exceptions": given}
	store := inmem.NewFromObject(data)
	for query, prepared := range map[string]*rego.PreparedEvalQuery{
		aboutStacks: &rules.stacks,
		"attachments = data.pulumi.attachments.found": &rules.attachments,
		aboutPolicies: &rules.policies,
		// The strict reader in Go has found these well-formed.
		aboutPolicies + " with data.iam.documents.well_formed as true": &rules.strictPolicies,
		verdict:     &rules.verdict,
		aboutSystem: &rules.system,
		aboutAccess: &rules.access,
		"truth = data.iam.publicness.truth(input)": &rules.publicness,
	} {
		if *prepared, err = rego.New(rego.Compiler(compiler), rego.Store(store), rego.Query(query)).PrepareForEval(ctx); err != nil {
			return nil, fmt.Errorf("preparing the rules: %w", err)
		}
	}
	return rules, nil
}

// What the rules are asked.
const (
	aboutStacks = `findings = data.policies.about_stacks
		attachments = data.pulumi.attachments.found
		shown = data.pulumi.exceptions.shown`
	aboutPolicies = `findings = data.policies.about_policy with data.pulumi.attachments.found as input`
	aboutAccess   = `resources = data.pulumi.access.found
		attachments = data.pulumi.attachments.found
		regions = data.pulumi.regions.found
		incomplete = [[file.path, message] |
			some file in data.pulumi.stacks.files
			some message in data.pulumi.stacks.incomplete(file.contents)
		]`
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
		fmt.Fprintf(&b, "[A good and a bad example](../examples/rules/%s)\n\n", rule.ID)
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
	Text  any    `json:"text"`
	// given is the whole of it, as Rego has it.
	given any
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
func (r *Rules) Check(ctx context.Context, files ...File) (judged Judgement, err error) {
	input, err := json.Marshal(files)
	if err != nil {
		return judged, fmt.Errorf("judging: %w", err)
	}
	parsed, err := ast.ValueFromReader(bytes.NewReader(input))
	if err != nil {
		return judged, fmt.Errorf("judging: %w", err)
	}
	found, err := judge(ctx, r.stacks, parsed, &judged.Findings)
	if err != nil {
		return judged, err
	}
	attachments, err := readAttachments(found)
	if err != nil {
		return judged, err
	}
	judged.Policies = map[string]int{}
	for _, a := range attachments {
		judged.Policies[a.Stack]++
	}
	findings, err := r.judgePolicies(ctx, attachments)
	if err != nil {
		return judged, err
	}
	judged.Findings = append(judged.Findings, findings...)
	if judged.Findings, judged.Excepted, err = r.except(ctx, judged.Findings, found["shown"]); err != nil {
		return judged, err
	}
	slices.SortFunc(judged.Findings, compareFindings)
	slices.SortFunc(judged.Excepted, func(a, b Excepted) int { return compareFindings(a.Finding, b.Finding) })
	return judged, nil
}

// CheckResource judges the policies of one resource of a file, each by itself; what the others come to together is left to Check.
func (r *Rules) CheckResource(ctx context.Context, file File, urn string) ([]Finding, error) {
	input, err := ast.ValueFromReader(bytes.NewReader(file.Contents))
	if err != nil {
		return nil, fmt.Errorf("judging: %w", err)
	}
	found, err := judge(ctx, r.attachments, input, nil)
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
	findings, _, err = r.except(ctx, findings, []any{})
	slices.SortFunc(findings, compareFindings)
	return findings, err
}

// except takes what exceptions cover out of the findings, and adds what is to say of the exceptions that are shown.
func (r *Rules) except(ctx context.Context, findings []Finding, shown any) (standing []Finding, excepted []Excepted, err error) {
	if !r.excepts {
		return findings, nil, nil
	}
	var given any
	if err := convert(map[string]any{"findings": findings, "shown": shown}, &given); err != nil {
		return nil, nil, err
	}
	input, err := ast.InterfaceToValue(given)
	if err != nil {
		return nil, nil, fmt.Errorf("judging: %w", err)
	}
	found, err := judge(ctx, r.verdict, input, &standing)
	if err != nil {
		return nil, nil, err
	}
	err = convert(found["excepted"], &excepted)
	return standing, excepted, err
}

func readAttachments(found rego.Vars) ([]attachment, error) {
	given, _ := found["attachments"].([]any)
	attachments := make([]attachment, len(given))
	for i, one := range given {
		if err := convert(one, &attachments[i]); err != nil {
			return nil, err
		}
		attachments[i].given = one
	}
	return attachments, nil
}

// judgePolicies judges attachments, each by itself.
func (r *Rules) judgePolicies(ctx context.Context, attachments []attachment) ([]Finding, error) {
	var findings []Finding
	var strict, others []any
	for _, a := range attachments {
		switch finding, ok := r.readStrictly(a); {
		case ok:
			strict = append(strict, a.given)
		case finding != nil: // There is no more to say of it.
			findings = append(findings, *finding)
		default:
			others = append(others, a.given)
		}
	}
	judged, err := judgeBatches(ctx, r.strictPolicies, strict)
	if err != nil {
		return nil, err
	}
	more, err := judgeBatches(ctx, r.policies, others)
	return slices.Concat(findings, judged, more), err
}

// judgeBatches judges attachments in batches, as many at once as there are processors.
func judgeBatches(ctx context.Context, query rego.PreparedEvalQuery, attachments []any) ([]Finding, error) {
	const batch = 256
	batches := slices.Collect(slices.Chunk(attachments, batch))
	findings := make([][]Finding, len(batches))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, batch := range batches {
		group.Go(func() error {
			input, err := ast.InterfaceToValue(batch)
			if err != nil {
				return fmt.Errorf("judging: %w", err)
			}
			_, err = judge(ctx, query, input, &findings[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(findings...), nil
}

// judge asks a query about an input, and returns what it binds; findings that it binds are also read.
func judge(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, findings *[]Finding) (bound rego.Vars, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the rules broke on this: %v", broken)
		}
	}()
	results, err := query.Eval(ctx, rego.EvalParsedInput(input))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("judging: %w", err)
	case len(results) != 1:
		return nil, errors.New("judging: the rules gave no answer")
	}
	if findings != nil {
		err = convert(results[0].Bindings["findings"], findings)
	}
	return results[0].Bindings, err
}

// convert makes Go values of what Rego gave.
func convert(value, into any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("judging: an answer of an unexpected shape: %w", err)
	}
	return nil
}

// unjudgedRule is the rule about policies that could not be judged.
const unjudgedRule = "undetermined"

// readStrictly says whether a policy is one that AWS would take. Rego alone does not see all that is wrong with one, as a key that stands
// there twice: the finding is for that, and nil where the policy is not shown.
func (r *Rules) readStrictly(a attachment) (*Finding, bool) {
	shown, err := Attachment{Kind: a.Kind, Text: a.Text}.read()
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
