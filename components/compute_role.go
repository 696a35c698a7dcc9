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
	stack, err := openStack(ctx, settings.ComputeStack, "deploy the compute side first")
	if err != nil {
		return ComputeRole{}, err
	}
	role, err := stack.role()
	if err != nil {
		return ComputeRole{}, err
	}
	functionARN, err := stack.text(FunctionARNOutput)
	if err != nil {
		return ComputeRole{}, err
	}
	if expected := settings.RoleARN(); role.ARN != expected {
		return ComputeRole{}, fmt.Errorf("stack %s has the role %s, but computeAccountId, roleName and aws:region make it %s; "+
			"give both stacks the same settings, then %s", stack.name, role.ARN, expected, stack.deploy)
	}
	// The handler signs its requests for the region it runs in, and S3 redirects those for a bucket elsewhere.
	if function, err := arn.Parse(functionARN); err != nil || function.Region != settings.Region {
		return ComputeRole{}, fmt.Errorf("stack %s has the function %s, but aws:region puts the bucket in %s; "+
			"give both stacks the same region, then %s", stack.name, functionARN, settings.Region, stack.deploy)
	}
	return role, nil
}

// stackOutputs are what another stack exports.
type stackOutputs struct {
	name      string
	reference *pulumi.StackReference
	// deploy says what to do where they are not as they should be.
	deploy string
}

// openStack finds another stack. The advice is what to do where it has not been deployed.
func openStack(ctx *pulumi.Context, stack, advice string) (*stackOutputs, error) {
	// The short name is enough in the project that the commands are given in.
	name := strings.TrimPrefix(stack, fmt.Sprintf("%s/%s/", ctx.Organization(), ctx.Project()))
	deploy := advice + ": pulumi up --stack " + name

	// The engine stops the program as soon as a StackReference names no stack, and says no more than "unknown stack". The function
	// behind it only fails, so it is asked first.
	if err := ctx.Invoke("pulumi:pulumi:readStackOutputs", &stackOutputsArgs{Name: stack}, &struct{}{}); err != nil {
		reason := status.Convert(err).Message()
		if strings.Contains(reason, "unknown stack") {
			return nil, fmt.Errorf("there is no stack %s; create it, then %s", stack, deploy)
		}
		return nil, fmt.Errorf("stack %s cannot be read: %s", stack, reason)
	}
	reference, err := pulumi.NewStackReference(ctx, stack, nil)
	if err != nil {
		return nil, fmt.Errorf("reading stack %s: %w", stack, err)
	}
	return &stackOutputs{name: stack, reference: reference, deploy: deploy}, nil
}

// text is an output that is text and no secret.
func (s *stackOutputs) text(output string) (string, error) {
	details, err := s.reference.GetOutputDetails(output)
	if err != nil {
		return "", fmt.Errorf("reading output %s of stack %s: %w", output, s.name, err)
	}
	value, isText := details.Value.(string)
	switch {
	case details.SecretValue != nil:
		return "", fmt.Errorf("stack %s exports %s as a secret, and a policy names it in the open", s.name, output)
	case details.Value == nil:
		return "", fmt.Errorf("stack %s has no output %s; %s", s.name, output, s.deploy)
	case !isText || value == "":
		return "", fmt.Errorf("stack %s has the output %s with the value %q; %s", s.name, output, details.Value, s.deploy)
	}
	return value, nil
}

// role is the role that the stack exports.
func (s *stackOutputs) role() (role ComputeRole, err error) {
	if role.ARN, err = s.text(RoleARNOutput); err != nil {
		return ComputeRole{}, err
	}
	if role.UniqueID, err = s.text(RoleUniqueIDOutput); err != nil {
		return ComputeRole{}, err
	}
	if !roleUniqueIDForm.MatchString(role.UniqueID) {
		return ComputeRole{}, fmt.Errorf("stack %s has the output %s with the value %q, but the id of a role begins with AROA; %s",
			s.name, RoleUniqueIDOutput, role.UniqueID, s.deploy)
	}
	return role, nil
}
