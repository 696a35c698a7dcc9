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
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
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
	query rego.PreparedEvalQuery
	rules []Rule
}

// NewRules compiles the rules. An error means that the modules built into the program are broken.
func NewRules(ctx context.Context) (*Rules, error) {
	sources, err := readModules(modules)
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	compiler := ast.NewCompiler()
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
	query, err := rego.New(
		rego.Compiler(compiler),
		rego.Store(inmem.NewFromObject(map[string]any{"catalogue": catalogue})),
		rego.Query("findings = data.policies.finding; attachments = data.pulumi.attachments.found"),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing the rules: %w", err)
	}
	return &Rules{query: query, rules: rulesOf(compiler)}, nil
}

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

// attachment is what the rules say of a policy that they have seen.
type attachment struct {
	Stack string `json:"stack"`
	URN   string `json:"urn"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	Text  any    `json:"text"`
}

// Judgement is what a check found.
type Judgement struct {
	// Findings are sorted: the worst first, then by stack and resource.
	Findings []Finding
	// Policies is how many policies of each stack were looked at, by the stack's name.
	Policies map[string]int
}

// Check judges files together, as one system. Policies are also read strictly, as AWS reads them, which Rego alone cannot do.
func (r *Rules) Check(ctx context.Context, files ...File) (judged Judgement, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			judged, err = Judgement{}, fmt.Errorf("the rules broke on this: %v", broken)
		}
	}()
	input, err := json.Marshal(files)
	if err != nil {
		return judged, fmt.Errorf("judging: %w", err)
	}
	parsed, err := ast.ValueFromReader(bytes.NewReader(input))
	if err != nil {
		return judged, fmt.Errorf("judging: %w", err)
	}
	results, err := r.query.Eval(ctx, rego.EvalParsedInput(parsed))
	switch {
	case ctx.Err() != nil:
		return judged, ctx.Err()
	case err != nil:
		return judged, fmt.Errorf("judging: %w", err)
	case len(results) != 1:
		return judged, errors.New("judging: the rules gave no answer")
	}
	var attachments []attachment
	if err := convert(results[0].Bindings["findings"], &judged.Findings); err != nil {
		return judged, err
	}
	if err := convert(results[0].Bindings["attachments"], &attachments); err != nil {
		return judged, err
	}
	judged.Findings = append(judged.Findings, r.readStrictly(attachments)...)
	slices.SortFunc(judged.Findings, compareFindings)
	judged.Policies = map[string]int{}
	for _, a := range attachments {
		judged.Policies[a.Stack]++
	}
	return judged, nil
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

// readStrictly finds what only the strict reader sees in policies that the rules have judged, as a key that stands there twice.
func (r *Rules) readStrictly(attachments []attachment) []Finding {
	kinds := map[string]Kind{"identity": IdentityPolicy, "trust": TrustPolicy}
	var findings []Finding
	for _, a := range attachments {
		text, isText := a.Text.(string)
		if a.State != "known" || !isText {
			continue
		}
		kind, has := kinds[a.Kind]
		if !has {
			kind = ResourcePolicy
		}
		_, err := ReadDocument(kind, "", []byte(text))
		if err == nil {
			continue
		}
		rule := r.rules[slices.IndexFunc(r.rules, func(rule Rule) bool { return rule.ID == unjudgedRule })]
		findings = append(findings, Finding{
			Rule: rule.ID, Category: rule.Category, Severity: High, Blocking: true, Stack: a.Stack, URN: a.URN,
			Message: "The policy is not one that AWS would take: " + err.Error(), Remediation: rule.Remediation, Docs: rule.Docs(),
		})
	}
	return findings
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
