package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"cross-account-s3/policy"
	"cross-account-s3/report"
)

// packName is what Pulumi calls the pack. Its version stands in PulumiPolicy.yaml.
const packName = "cross-account-s3"

// later is told of a finding that does not block yet.
const later = "later      its inputs are not all known yet; up judges it before it is created\n"

// pack judges the resources of one stack, for the engine that deploys it. The engine shows each resource's inputs before it is created, and
// at the end what has become of all of them; either alone is not enough for the rules, which read a state's inputs and outputs.
//
// It answers the engine directly. The SDK's policyx would tell it neither whether this is a preview nor of inputs and outputs together,
// has one level of enforcement for all findings of a rule, and passes no severity on.
type pack struct {
	pulumirpc.UnimplementedAnalyzerServer

	rules *policy.Rules

	mutex   sync.Mutex
	stack   string
	preview bool
	config  map[string]string
	// levels are what somebody has set for rules, by id.
	levels map[string]pulumirpc.EnforcementLevel
	// registered are the resources that the engine has shown, by URN, without their outputs.
	registered map[string]policy.Registered
	// told are the findings that the engine has been told of, by what they say.
	told map[string]bool
}

func newPack(rules *policy.Rules) *pack {
	return &pack{rules: rules, registered: map[string]policy.Registered{}, told: map[string]bool{}}
}

// Handshake needs nothing of the engine.
func (p *pack) Handshake(context.Context, *pulumirpc.AnalyzerHandshakeRequest) (*pulumirpc.AnalyzerHandshakeResponse, error) {
	return &pulumirpc.AnalyzerHandshakeResponse{}, nil
}

// GetPluginInfo says nothing: PulumiPolicy.yaml has the version.
func (p *pack) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

// Cancel has nothing to end: who asks is about to end the process.
func (p *pack) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetAnalyzerInfo lists the rules.
func (p *pack) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	info := &pulumirpc.AnalyzerInfo{Name: packName, SupportsConfig: true}
	for _, rule := range p.rules.List() {
		level := pulumirpc.EnforcementLevel_MANDATORY
		if rule.Severity == policy.Low {
			level = pulumirpc.EnforcementLevel_ADVISORY
		}
		info.Policies = append(info.Policies, &pulumirpc.PolicyInfo{
			Name: rule.ID, DisplayName: rule.Title, Description: rule.Description, EnforcementLevel: level, Severity: severities[rule.Severity],
			PolicyType: pulumirpc.PolicyType_POLICY_TYPE_STACK, Tags: []string{rule.Category}, RemediationSteps: rule.Remediation,
			Url: strings.Join(rule.References[:min(1, len(rule.References))], ""),
		})
	}
	return info, nil
}

var severities = map[policy.Severity]pulumirpc.PolicySeverity{
	policy.Critical: pulumirpc.PolicySeverity_POLICY_SEVERITY_CRITICAL,
	policy.High:     pulumirpc.PolicySeverity_POLICY_SEVERITY_HIGH,
	policy.Medium:   pulumirpc.PolicySeverity_POLICY_SEVERITY_MEDIUM,
	policy.Low:      pulumirpc.PolicySeverity_POLICY_SEVERITY_LOW,
}

// Configure takes what somebody has set for rules, in a file or in Pulumi Cloud.
func (p *pack) Configure(_ context.Context, request *pulumirpc.ConfigureAnalyzerRequest) (*emptypb.Empty, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.levels = map[string]pulumirpc.EnforcementLevel{}
	for rule, config := range request.GetPolicyConfig() {
		p.levels[rule] = config.GetEnforcementLevel()
	}
	return &emptypb.Empty{}, nil
}

// ConfigureStack takes what the rules read of the stack's settings, of which none is secret, and whether this is a preview.
func (p *pack) ConfigureStack(
	_ context.Context, request *pulumirpc.AnalyzerStackConfigureRequest,
) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stack, p.preview, p.config = request.GetStack(), request.GetDryRun(), map[string]string{}
	for key, value := range request.GetConfig() {
		if strings.HasPrefix(key, "aws:") && !slices.Contains(request.GetConfigSecretKeys(), key) {
			p.config[key] = value
		}
	}
	return &pulumirpc.AnalyzerStackConfigureResponse{}, nil
}

// Analyze notes a resource before it is created. A preview is judged as a whole, when it is known what inputs come from; at up, when all
// inputs are known, a policy that is refused is so before there is anything of it.
func (p *pack) Analyze(ctx context.Context, request *pulumirpc.AnalyzeRequest) (*pulumirpc.AnalyzeResponse, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	inputs := &reading{}
	provider := request.GetProvider()
	one := policy.Registered{
		URN: request.GetUrn(), Type: request.GetType(), Provider: provider.GetUrn(), Inputs: inputs.object(request.GetProperties()),
	}
	one.Unknown = inputs.unknown
	p.registered[one.URN] = one
	if p.preview || !strings.HasPrefix(one.Type, "aws") {
		return &pulumirpc.AnalyzeResponse{}, nil
	}
	resources := []policy.Registered{one}
	if provider != nil {
		resources = append(resources, policy.Registered{
			URN: provider.GetUrn(), Type: provider.GetType(), Inputs: new(reading).object(provider.GetProperties()),
		})
	}
	file, err := p.file(resources)
	if err != nil {
		return nil, err
	}
	findings, err := p.rules.CheckResource(ctx, file, one.URN)
	if err != nil {
		return nil, err
	}
	// What is only advice is told of all resources together, at the end.
	findings = slices.DeleteFunc(findings, func(finding policy.Finding) bool {
		return p.level(finding) != pulumirpc.EnforcementLevel_MANDATORY
	})
	return &pulumirpc.AnalyzeResponse{Diagnostics: p.diagnostics(findings)}, nil
}

// AnalyzeStack judges all that is there, or will be, together. What the program only reads is not shown before, and not judged.
func (p *pack) AnalyzeStack(ctx context.Context, request *pulumirpc.AnalyzeStackRequest) (*pulumirpc.AnalyzeResponse, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var resources []policy.Registered
	for _, resource := range request.GetResources() {
		one, shown := p.registered[resource.GetUrn()]
		if !shown {
			continue
		}
		one.Outputs = outputs(resource.GetProperties())
		one.Dependencies = map[string][]string{}
		for input, dependencies := range resource.GetPropertyDependencies() {
			one.Dependencies[input] = dependencies.GetUrns()
		}
		resources = append(resources, one)
	}
	file, err := p.file(resources)
	if err != nil {
		return nil, err
	}
	judged, err := p.rules.Check(ctx, file)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AnalyzeResponse{Diagnostics: p.diagnostics(judged.Findings)}, nil
}

// file is what the rules read of resources, read as strictly as from a file.
func (p *pack) file(resources []policy.Registered) (policy.File, error) {
	file, err := policy.RegisteredFile(p.config, resources)
	if err != nil {
		return policy.File{}, err
	}
	stack, err := policy.ReadStack("the stack "+p.stack, bytes.NewReader(file.Contents))
	stack.Path = "" // Findings do not say it.
	return stack.File, err
}

// level is how Pulumi enforces a finding. What somebody has set for a rule weakens it, but makes nothing mandatory that does not block.
func (p *pack) level(finding policy.Finding) pulumirpc.EnforcementLevel {
	set, isSet := p.levels[finding.Rule]
	switch {
	case isSet && (set == pulumirpc.EnforcementLevel_DISABLED || set == pulumirpc.EnforcementLevel_ADVISORY):
		return set
	case !finding.Blocking, p.isForUp(finding):
		return pulumirpc.EnforcementLevel_ADVISORY
	default:
		return pulumirpc.EnforcementLevel_MANDATORY
	}
}

func (p *pack) isForUp(finding policy.Finding) bool {
	return p.preview && policy.IsForUp(finding, []policy.Registered{p.registered[finding.URN]})
}

// diagnostics are findings as the engine shows them, without those that it has been told of.
func (p *pack) diagnostics(findings []policy.Finding) []*pulumirpc.AnalyzeDiagnostic {
	var diagnostics []*pulumirpc.AnalyzeDiagnostic
	for _, finding := range findings {
		level, text := p.level(finding), report.Explain(finding)
		if p.isForUp(finding) {
			text += later
		}
		said := finding.Rule + "\x00" + finding.URN + "\x00" + text
		if level == pulumirpc.EnforcementLevel_DISABLED || p.told[said] {
			continue
		}
		p.told[said] = true
		diagnostics = append(diagnostics, &pulumirpc.AnalyzeDiagnostic{
			PolicyName: finding.Rule, PolicyPackName: packName, Message: text, EnforcementLevel: level, Urn: finding.URN,
			Severity: severities[finding.Severity],
		})
	}
	return diagnostics
}
