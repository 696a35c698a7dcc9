package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/policy"
)

// guard has every policy judged before the resource that carries it is registered: with one that the rules refuse, the registration
// fails, at preview as at up, and the findings are reported. A policy that is not known yet at preview is judged at up, where it is.
func guard(ctx *pulumi.Context, report func(error)) error {
	exceptions, err := policy.ProjectExceptions()
	if err != nil {
		return err
	}
	rules, err := policy.NewRules(ctx.Context(), exceptions...)
	if err != nil {
		return err
	}
	accounts, _ := ctx.GetConfig("aws:allowedAccountIds")
	transform := func(inner context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		property := policyProperty(args)
		if property == "" {
			return nil
		}
		urn := fmt.Sprintf("urn:pulumi:%s::%s::%s::%s", ctx.Stack(), ctx.Project(), args.Type, args.Name)
		if err := judge(inner, rules, accounts, urn, args); err != nil {
			report(err)
			// An input that fails is how a registration is refused with an error of one's own.
			args.Props[property] = pulumi.String("").ToStringOutput().ApplyT(func(string) (string, error) { return "", err })
			return &pulumi.ResourceTransformResult{Props: args.Props, Opts: args.Opts}
		}
		return nil
	}
	if err := ctx.RegisterResourceTransform(transform); err != nil {
		return fmt.Errorf("setting up the guard: %w", err)
	}
	return nil
}

// policyProperty is the property in which a resource carries a policy that is known; empty where it has none.
func policyProperty(args *pulumi.ResourceTransformArgs) string {
	if !strings.HasPrefix(args.Type, "aws:") {
		return ""
	}
	for _, property := range []string{"policy", "assumeRolePolicy"} {
		if _, known := args.Props[property].(pulumi.String); known {
			return property
		}
	}
	return ""
}

// judge asks the rules about one resource. The error tells every finding that blocks.
func judge(ctx context.Context, rules *policy.Rules, accounts, urn string, args *pulumi.ResourceTransformArgs) error {
	inputs := map[string]string{}
	for name, value := range args.Props {
		if text, known := value.(pulumi.String); known {
			inputs[name] = string(text)
		}
	}
	contents, err := json.Marshal(map[string]any{
		"config": map[string]string{"aws:allowedAccountIds": accounts},
		"steps": []any{map[string]any{
			"op": "create", "newState": map[string]any{"urn": urn, "type": args.Type, "inputs": inputs},
		}},
	})
	if err != nil {
		return fmt.Errorf("judging %s: %w", args.Name, err)
	}
	judged, err := rules.Check(ctx, policy.File{Contents: contents})
	if err != nil {
		return fmt.Errorf("the policy of %s could not be judged: %w", args.Name, err)
	}
	var refused []string
	for _, finding := range judged.Findings {
		if finding.Blocking {
			refused = append(refused, fmt.Sprintf("%s (%s): %s. %s", finding.Rule, finding.Severity, finding.Message, finding.Remediation))
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("the policy of %s is refused:\n  %s", args.Name, strings.Join(refused, "\n  "))
	}
	return nil
}
