package components

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/grpc/status"
)

// The outputs that the compute side exports and the data side reads.
const (
	RoleARNOutput      = "roleArn"
	RoleUniqueIDOutput = "roleUniqueId"
	FunctionARNOutput  = "functionArn"
)

// ComputeRole is the role of the compute account, as its stack exports it. Both are plain values, so that the bucket policy is
// known at preview.
type ComputeRole struct {
	// ARN names the role in the bucket policy.
	ARN string
	// UniqueID changes when the role is deleted and made again, which the ARN does not.
	UniqueID string
}

// stackOutputsArgs are the inputs of the function that reads another stack's outputs.
type stackOutputsArgs struct {
	Name string `pulumi:"name"`
}

// roleUniqueIDForm is the form of a role's id.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
var roleUniqueIDForm = regexp.MustCompile(`^AROA[A-Z0-9]+$`)

// ReadComputeRole reads the role from the stack of the compute side and checks that it is the one the settings name. A stack
// that is missing, was never deployed or does not export the role is an error that says what to run: at preview the engine
// would otherwise go on with unknown values, as if all were well.
func ReadComputeRole(ctx *pulumi.Context, settings *Settings) (ComputeRole, error) {
	stack := settings.ComputeStack
	// The short name is enough in the project that the commands are given in.
	name := strings.TrimPrefix(stack, fmt.Sprintf("%s/%s/", ctx.Organization(), ctx.Project()))
	deploy := "deploy the compute side first: pulumi up --stack " + name

	// The engine stops the program as soon as a StackReference names no stack, and says no more than "unknown stack". The function
	// behind it only fails, so it is asked first.
	if err := ctx.Invoke("pulumi:pulumi:readStackOutputs", &stackOutputsArgs{Name: stack}, &struct{}{}); err != nil {
		reason := status.Convert(err).Message()
		if strings.Contains(reason, "unknown stack") {
			return ComputeRole{}, fmt.Errorf("there is no stack %s; create it, then %s", stack, deploy)
		}
		return ComputeRole{}, fmt.Errorf("stack %s cannot be read: %s", stack, reason)
	}
	reference, err := pulumi.NewStackReference(ctx, stack, nil)
	if err != nil {
		return ComputeRole{}, fmt.Errorf("reading stack %s: %w", stack, err)
	}
	read := func(output string) (string, error) {
		details, err := reference.GetOutputDetails(output)
		if err != nil {
			return "", fmt.Errorf("reading output %s of stack %s: %w", output, stack, err)
		}
		value, isText := details.Value.(string)
		switch {
		case details.SecretValue != nil:
			return "", fmt.Errorf("stack %s exports %s as a secret, and a policy names it in the open", stack, output)
		case details.Value == nil:
			return "", fmt.Errorf("stack %s has no output %s; %s", stack, output, deploy)
		case !isText || value == "":
			return "", fmt.Errorf("stack %s has the output %s with the value %q; %s", stack, output, details.Value, deploy)
		}
		return value, nil
	}

	var role ComputeRole
	var functionARN string
	for _, output := range []struct {
		name string
		into *string
	}{
		{RoleARNOutput, &role.ARN},
		{RoleUniqueIDOutput, &role.UniqueID},
		{FunctionARNOutput, &functionARN},
	} {
		if *output.into, err = read(output.name); err != nil {
			return ComputeRole{}, err
		}
	}
	if expected := settings.RoleARN(); role.ARN != expected {
		return ComputeRole{}, fmt.Errorf("stack %s has the role %s, but computeAccountId, roleName and aws:region make it %s; "+
			"give both stacks the same settings, then %s", stack, role.ARN, expected, deploy)
	}
	if !roleUniqueIDForm.MatchString(role.UniqueID) {
		return ComputeRole{}, fmt.Errorf("stack %s has the output %s with the value %q, but the id of a role begins with AROA; %s",
			stack, RoleUniqueIDOutput, role.UniqueID, deploy)
	}
	// The handler signs its requests for the region it runs in, and S3 redirects those for a bucket elsewhere.
	if function, err := arn.Parse(functionARN); err != nil || function.Region != settings.Region {
		return ComputeRole{}, fmt.Errorf("stack %s has the function %s, but aws:region puts the bucket in %s; "+
			"give both stacks the same region, then %s", stack, functionARN, settings.Region, deploy)
	}
	return role, nil
}
