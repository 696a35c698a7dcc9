package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"cross-account-s3/components"
	"cross-account-s3/policy"
	"cross-account-s3/report"
)

// guard judges what the program registers: each policy before the resource that carries it is registered, at preview as at up, and at the
// end all of the stack together.
type guard struct {
	// rules waits until they are compiled, which begins with the program.
	rules func() (*policy.Rules, error)

	preview  bool
	stack    string
	project  string
	advisory bool
	config   map[string]string

	mutex  sync.Mutex
	states []policy.Registered
}

// newGuard begins to compile the rules.
func newGuard(ctx context.Context) *guard {
	rules := sync.OnceValues(func() (*policy.Rules, error) {
		exceptions, err := policy.ProjectExceptions()
		if err != nil {
			return nil, err
		}
		return policy.NewRules(ctx, exceptions...)
	})
	go func() { _, _ = rules() }() // Who asks for them gets the error.
	return &guard{rules: rules}
}

// watch has every resource judged that is registered from now on. What is refused fails, and the findings are reported. With an advisory
// guard nothing fails.
func (g *guard) watch(ctx *pulumi.Context, enforcement components.Enforcement, report func(error)) error {
	accounts, _ := ctx.GetConfig("aws:allowedAccountIds")
	g.config = map[string]string{"aws:allowedAccountIds": accounts}
	g.preview, g.stack, g.project, g.advisory = ctx.DryRun(), ctx.Stack(), ctx.Project(), enforcement == components.Advisory
	transform := func(inner context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		if !strings.HasPrefix(args.Type, "aws:") {
			return nil
		}
		err := g.register(inner, args)
		if err == nil {
			return nil
		}
		report(err)
		// An input that fails is how a registration is refused with an error of one's own.
		for name := range args.Props {
			args.Props[name] = pulumi.String("").ToStringOutput().ApplyT(func(string) (string, error) { return "", err })
		}
		return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
	}
	if err := ctx.RegisterResourceTransform(transform); err != nil {
		return fmt.Errorf("setting up the guard: %w", err)
	}
	return nil
}

// register keeps what is registered, and returns the findings about its policies as an error.
func (g *guard) register(ctx context.Context, args *pulumi.ResourceTransformArgs) error {
	one, err := g.read(ctx, args)
	if err != nil {
		return fmt.Errorf("reading the inputs of %s: %w", args.Name, err)
	}
	states := append(g.keep(one), one)
	if g.advisory {
		return nil // The end tells all.
	}
	rules, err := g.rules()
	if err != nil {
		return err
	}
	file, err := policy.RegisteredFile(g.config, states)
	if err != nil {
		return err
	}
	findings, err := rules.CheckResource(ctx, file, one.URN)
	if err != nil {
		return fmt.Errorf("the policies of %s could not be judged: %w", args.Name, err)
	}
	return g.refusal(findings)
}

// keep notes a state for the end, and returns those that it takes inputs from.
func (g *guard) keep(one policy.Registered) []policy.Registered {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	var sources []policy.Registered
	for _, before := range g.states {
		for _, urns := range one.Dependencies {
			if slices.Contains(urns, before.URN) {
				sources = append(sources, before)
				break
			}
		}
	}
	g.states = append(g.states, one)
	return sources
}

// finish judges all that was registered together. The error tells the findings that block; with an advisory guard they are a warning.
func (g *guard) finish(ctx context.Context, warnings io.Writer) error {
	rules, err := g.rules()
	if err != nil {
		return err
	}
	file, err := policy.RegisteredFile(g.config, g.states)
	if err != nil {
		return err
	}
	judged, err := rules.Check(ctx, file)
	if err != nil {
		return fmt.Errorf("the stack could not be judged: %w", err)
	}
	refused := g.refusal(judged.Findings)
	if refused == nil || !g.advisory {
		return refused
	}
	_, err = fmt.Fprintln(warnings, refused)
	return err
}

// refusal is the error that tells the findings that block. What a preview cannot know yet is judged at up.
func (g *guard) refusal(findings []policy.Finding) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	var refused report.Report
	for _, finding := range findings {
		if finding.Blocking && !(g.preview && policy.IsForUp(finding, g.states)) {
			refused.Findings = append(refused.Findings, finding)
		}
	}
	if len(refused.Findings) == 0 {
		return nil
	}
	var text bytes.Buffer
	if err := report.Write(&text, report.Text, refused, report.Options{}); err != nil {
		return err
	}
	return errors.New(strings.TrimSpace(text.String()))
}

// read makes of what is registered what a preview shows of it.
func (g *guard) read(ctx context.Context, args *pulumi.ResourceTransformArgs) (policy.Registered, error) {
	reading := &reading{ctx: ctx}
	var parentType tokens.Type
	if args.Opts.Parent != nil {
		parentType = urn.URN(reading.urn(args.Opts.Parent)).QualifiedType()
	}
	one := policy.Registered{
		URN:  string(urn.New(tokens.QName(g.stack), tokens.PackageName(g.project), parentType, tokens.Type(args.Type), args.Name)),
		Type: args.Type, Inputs: map[string]any{}, Dependencies: map[string][]string{},
	}
	for name, input := range args.Props {
		reading.dependencies = nil
		one.Inputs[name] = reading.value(input)
		one.Dependencies[name] = reading.dependencies
	}
	one.Unknown = reading.unknown
	return one, reading.err
}

// reading makes JSON of inputs, as a preview shows them.
type reading struct {
	ctx          context.Context
	dependencies []string // the URNs that they come from
	unknown      bool
	err          error
}

func (r *reading) value(input any) any {
	switch input := input.(type) {
	case pulumi.Output:
		return r.output(input)
	case pulumi.Map:
		values := map[string]any{}
		for key, one := range input {
			values[key] = r.value(one)
		}
		return values
	case pulumi.Array:
		values := make([]any, len(input))
		for i, one := range input {
			values[i] = r.value(one)
		}
		return values
	case pulumi.AssetOrArchive:
		return nil // No rule looks at files.
	default:
		return input
	}
}

func (r *reading) output(output pulumi.Output) any {
	result, err := internals.UnsafeAwaitOutput(r.ctx, output)
	if err != nil {
		r.err = err
		return nil
	}
	for _, dependency := range result.Dependencies {
		r.dependencies = append(r.dependencies, r.urn(dependency))
	}
	switch {
	case !result.Known:
		r.unknown = true
		return plugin.UnknownStringValue
	case result.Secret:
		return "[secret]"
	default:
		return r.value(result.Value)
	}
}

func (r *reading) urn(of pulumi.Resource) string {
	result, err := internals.UnsafeAwaitOutput(r.ctx, of.URN())
	if err != nil {
		r.err = err
	}
	return fmt.Sprint(result.Value)
}
