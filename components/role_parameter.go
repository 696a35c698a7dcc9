package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ram"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RoleParameterArgs are the inputs of a RoleParameter.
type RoleParameterArgs struct {
	// Name is the parameter's name, beginning with a slash.
	Name string
	// Shared is what the parameter tells, as JSON.
	Shared pulumi.StringInput
	// ReaderAccountID is the account that may read it.
	ReaderAccountID string
	// Outside is whether that account may be outside of the organization.
	Outside bool
}

// RoleParameter is a parameter of Systems Manager that tells another account of the role, and what shares it.
type RoleParameter struct {
	pulumi.ResourceState

	// ARN is the parameter's ARN.
	ARN pulumi.StringOutput
}

// NewRoleParameter registers the parameter and shares it through AWS RAM, as only parameters of the advanced tier can be. RAM lets the
// whole account read this one parameter, which has nothing in it that the bucket policy of that account does not say anyway.
//
// Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html
func NewRoleParameter(
	ctx *pulumi.Context, name string, args *RoleParameterArgs, opts ...pulumi.ResourceOption,
) (*RoleParameter, error) {
	component := &RoleParameter{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:RoleParameter", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering role parameter %s: %w", name, err)
	}
	failed := func(what string, err error) (*RoleParameter, error) {
		return nil, fmt.Errorf("registering the %s of parameter %s: %w", what, args.Name, err)
	}

	parameter, err := ssm.NewParameter(ctx, name, &ssm.ParameterArgs{
		Name:        pulumi.String(args.Name),
		Description: pulumi.Sprintf("Tells account %s of the role that uses its bucket", args.ReaderAccountID),
		Type:        pulumi.String(ssm.ParameterTypeString),
		Tier:        pulumi.String("Advanced"),
		// Insecure is Pulumi's word for what it shows: an ARN is no secret, and a preview that hides it hides a change of it.
		InsecureValue: args.Shared.ToStringOutput(),
	}, pulumi.Parent(component))
	if err != nil {
		return failed("parameter", err)
	}
	share, err := ram.NewResourceShare(ctx, name, &ram.ResourceShareArgs{
		Name:                    pulumi.String(watchName(args.Name, "share")),
		AllowExternalPrincipals: pulumi.Bool(args.Outside),
	}, pulumi.Parent(component))
	if err != nil {
		return failed("resource share", err)
	}
	if _, err := ram.NewResourceAssociation(ctx, name, &ram.ResourceAssociationArgs{
		ResourceArn:      parameter.Arn,
		ResourceShareArn: share.Arn,
	}, pulumi.Parent(component)); err != nil {
		return failed("resource association", err)
	}
	if _, err := ram.NewPrincipalAssociation(ctx, name, &ram.PrincipalAssociationArgs{
		Principal:        pulumi.String(args.ReaderAccountID),
		ResourceShareArn: share.Arn,
	}, pulumi.Parent(component)); err != nil {
		return failed("principal association", err)
	}

	component.ARN = parameter.Arn
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"arn": component.ARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of role parameter %s: %w", name, err)
	}
	return component, nil
}
