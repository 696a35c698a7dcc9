package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ExecutionRoleArgs are the inputs of an ExecutionRole. They are plain values, not outputs, so that every policy document is known
// at preview.
type ExecutionRoleArgs struct {
	// Name is the role's name in IAM.
	Name string
	// Access is what the role may do with the bucket of the other account.
	Access Access
	// LogGroupARN is the function's log group, the only one the role can write to.
	LogGroupARN string
	// Traces lets the role write X-Ray traces.
	Traces bool
	// VPC is the network that the function is connected to, FunctionARN the function, and Place where both are.
	VPC         VPC
	FunctionARN string
	Place       Place
}

// ExecutionRole is the role that the function runs as: trusted by Lambda alone, and allowed what Access says and its own logs. In a VPC,
// Lambda manages the function's network interfaces as it. That it may use the bucket is only half the permission; the bucket policy in
// the data account is the other.
type ExecutionRole struct {
	pulumi.ResourceState

	// ARN is the role's ARN.
	ARN pulumi.StringOutput
	// UniqueID is the id (AROA…) that AWS puts in the place of the ARN when a policy names the role. A role made again under the
	// same name has another one.
	UniqueID pulumi.StringOutput

	// policies are the inline policies, for whoever needs them to be there.
	policies []pulumi.Resource
}

// NewExecutionRole registers the role and its inline policies.
func NewExecutionRole(
	ctx *pulumi.Context, name string, args *ExecutionRoleArgs, opts ...pulumi.ResourceOption,
) (*ExecutionRole, error) {
	component := &ExecutionRole{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:ExecutionRole", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering execution role %s: %w", name, err)
	}

	trust, err := trustDocument()
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Name:             pulumi.String(args.Name),
		Description:      pulumi.Sprintf("Lets a Lambda function use the bucket %s of another account", args.Access.BucketName),
		AssumeRolePolicy: pulumi.String(trust),
	}, pulumi.Parent(component))
	if err != nil {
		return nil, fmt.Errorf("registering role %s: %w", args.Name, err)
	}

	bucketAccess, err := args.Access.identityDocument()
	if err != nil {
		return nil, err
	}
	telemetry, err := telemetryDocument(args.LogGroupARN, args.Traces)
	if err != nil {
		return nil, err
	}
	// Several policies, so that the half which has to agree with the bucket policy stands alone.
	type inlinePolicy struct{ name, document string }
	inlines := []inlinePolicy{
		{"bucket-access", bucketAccess},
		{"telemetry", telemetry},
	}
	if args.VPC.connects() {
		document, err := args.VPC.interfacesDocument(args.Place, args.FunctionARN)
		if err != nil {
			return nil, err
		}
		inlines = append(inlines, inlinePolicy{"network-interfaces", document})
	}
	for _, inline := range inlines {
		policy, err := iam.NewRolePolicy(ctx, name+"-"+inline.name, &iam.RolePolicyArgs{
			Name:   pulumi.String(inline.name),
			Role:   role.Name,
			Policy: pulumi.String(inline.document),
		}, pulumi.Parent(component))
		if err != nil {
			return nil, fmt.Errorf("registering policy %s of role %s: %w", inline.name, args.Name, err)
		}
		component.policies = append(component.policies, policy)
	}

	component.ARN = role.Arn
	component.UniqueID = role.UniqueId
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{
		"arn":      component.ARN,
		"uniqueId": component.UniqueID,
	}); err != nil {
		return nil, fmt.Errorf("registering the outputs of execution role %s: %w", name, err)
	}
	return component, nil
}
