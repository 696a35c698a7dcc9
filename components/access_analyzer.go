package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/accessanalyzer"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AccessAnalyzer finds what principals outside of the account can reach in it, in the stack's region. The bucket that is shared with
// the other account is among it, as it should be.
type AccessAnalyzer struct {
	pulumi.ResourceState

	// ARN is the analyzer's ARN.
	ARN pulumi.StringOutput
}

// NewAccessAnalyzer registers an analyzer of external access.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-create-external.html
func NewAccessAnalyzer(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (*AccessAnalyzer, error) {
	component := &AccessAnalyzer{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:AccessAnalyzer", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering access analyzer %s: %w", name, err)
	}
	analyzer, err := accessanalyzer.NewAnalyzer(ctx, name, &accessanalyzer.AnalyzerArgs{
		AnalyzerName: pulumi.String(ctx.Project() + "-external-access"),
		Type:         pulumi.String("ACCOUNT"),
	}, pulumi.Parent(component))
	if err != nil {
		return nil, fmt.Errorf("registering the analyzer of external access: %w", err)
	}
	component.ARN = analyzer.Arn
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"arn": component.ARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of access analyzer %s: %w", name, err)
	}
	return component, nil
}
