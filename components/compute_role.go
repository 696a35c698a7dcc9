package components

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"google.golang.org/grpc/status"
)

// What the compute side tells of itself and the data side reads: the outputs of its stack, or the members of a JSON object.
const (
	RoleARNOutput      = "roleArn"
	RoleUniqueIDOutput = "roleUniqueId"
	FunctionARNOutput  = "functionArn"
)

// ComputeRole is the role of the compute account, as its stack shares it. Both are plain values, so that the bucket policy is
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

// told is what a source says of a stack with a role.
type told struct {
	// source is which it is, as "stack organization/cross-account-s3/account-a".
	source string
	// mend is what to do when something is wrong with it.
	mend string
	// outputs are by their names.
	outputs map[string]any
}

// ReadComputeRole reads the role from the source that the settings name and checks that it is the one they mean. A source that is
// missing, closed, was never written or does not have the role is an error that says what to do: at preview the engine would otherwise go
// on with unknown values, as if all were well.
func ReadComputeRole(ctx *pulumi.Context, settings *Settings) (ComputeRole, error) {
	var from told
	var err error
	mend := deployFirst(ctx, settings)
	switch settings.Sharing.From {
	case ParameterStore:
		from, err = readParameter(ctx, settings.RoleParameterARN(), mend)
	case SecretsManager:
		from, err = readSecret(ctx, settings.Sharing.SecretARN, mend)
	default:
		from, err = readStack(ctx, settings.ComputeStack, mend, RoleARNOutput, RoleUniqueIDOutput, FunctionARNOutput)
	}
	if err != nil {
		return ComputeRole{}, err
	}
	role, err := from.role()
	if err != nil {
		return ComputeRole{}, err
	}
	functionARN, err := from.text(FunctionARNOutput)
	if err != nil {
		return ComputeRole{}, err
	}
	if expected := settings.RoleARN(); role.ARN != expected {
		return ComputeRole{}, fmt.Errorf("%s has the role %s, but computeAccountId, roleName and aws:region make it %s; "+
			"give both stacks the same settings, then %s", from.source, role.ARN, expected, from.mend)
	}
	// The handler signs its requests for the region it runs in, and S3 redirects those for a bucket elsewhere.
	if function, err := arn.Parse(functionARN); err != nil || function.Region != settings.Region {
		return ComputeRole{}, fmt.Errorf("%s has the function %s, but aws:region puts the bucket in %s; "+
			"give both stacks the same region, then %s", from.source, functionARN, settings.Region, from.mend)
	}
	return role, nil
}

// text is an output that is text.
func (t told) text(output string) (string, error) {
	value, isText := t.outputs[output].(string)
	switch {
	case t.outputs[output] == nil:
		return "", fmt.Errorf("%s has no %s; %s", t.source, output, t.mend)
	case !isText || value == "":
		return "", fmt.Errorf("%s has %s with the value %q; %s", t.source, output, t.outputs[output], t.mend)
	}
	return value, nil
}

// role is the role that the source tells of.
func (t told) role() (role ComputeRole, err error) {
	if role.ARN, err = t.text(RoleARNOutput); err != nil {
		return ComputeRole{}, err
	}
	if role.UniqueID, err = t.text(RoleUniqueIDOutput); err != nil {
		return ComputeRole{}, err
	}
	if !roleUniqueIDForm.MatchString(role.UniqueID) {
		return ComputeRole{}, fmt.Errorf("%s has %s with the value %q, but the id of a role begins with AROA; %s",
			t.source, RoleUniqueIDOutput, role.UniqueID, t.mend)
	}
	return role, nil
}

// deployFirst says how the compute side comes to share the role by the source that the settings name.
func deployFirst(ctx *pulumi.Context, settings *Settings) string {
	up := upOf(ctx, settings.ComputeStack)
	return fmt.Sprintf("deploy the compute side first, with %s in its setting share: %s", settings.Sharing.From, up)
}

// upOf is the command that deploys a stack. The short name is enough in the project that the command is given in.
func upOf(ctx *pulumi.Context, stack string) string {
	return "pulumi up --stack " + strings.TrimPrefix(stack, fmt.Sprintf("%s/%s/", ctx.Organization(), ctx.Project()))
}

// readStack reads outputs of another stack.
func readStack(ctx *pulumi.Context, stack, mend string, outputs ...string) (told, error) {
	from := told{source: "stack " + stack, mend: mend, outputs: map[string]any{}}

	// The engine stops the program as soon as a StackReference names no stack, and says no more than "unknown stack". The function
	// behind it only fails, so it is asked first.
	if err := ctx.Invoke("pulumi:pulumi:readStackOutputs", &stackOutputsArgs{Name: stack}, &struct{}{}); err != nil {
		reason := status.Convert(err).Message()
		if strings.Contains(reason, "unknown stack") {
			return told{}, fmt.Errorf("there is no %s; create it, then %s", from.source, from.mend)
		}
		return told{}, fmt.Errorf("%s cannot be read: %s", from.source, reason)
	}
	reference, err := pulumi.NewStackReference(ctx, stack, nil)
	if err != nil {
		return told{}, fmt.Errorf("reading %s: %w", from.source, err)
	}
	for _, output := range outputs {
		details, err := reference.GetOutputDetails(output)
		if err != nil {
			return told{}, fmt.Errorf("reading output %s of %s: %w", output, from.source, err)
		}
		if details.SecretValue != nil {
			return told{}, fmt.Errorf("%s exports %s as a secret, and a policy names it in the open", from.source, output)
		}
		from.outputs[output] = details.Value
	}
	return from, nil
}

// readParameter reads the parameter that the compute side shares. Functions that are called directly return plain values, so that what
// hangs on them is known at preview.
func readParameter(ctx *pulumi.Context, arn, mend string) (told, error) {
	from := told{source: "parameter " + arn, mend: mend}
	parameter, err := ssm.LookupParameter(ctx, &ssm.LookupParameterArgs{Name: arn})
	if err != nil {
		return told{}, fmt.Errorf("%s cannot be read: %s; %s; whoever deploys or previews this stack needs ssm:GetParameter on it, and outside "+
			"of an organization this account has to accept the resource share", from.source, status.Convert(err).Message(), from.mend)
	}
	return from.parse(parameter.InsecureValue)
}

// readSecret reads the secret that the compute side shares. pulumi-aws does not mark what its functions return as secret, which the SDK
// would refuse here, and which a policy that anybody may read would have to give away.
func readSecret(ctx *pulumi.Context, arn, mend string) (told, error) {
	from := told{source: "secret " + arn, mend: mend}
	secret, err := secretsmanager.LookupSecretVersion(ctx, &secretsmanager.LookupSecretVersionArgs{SecretId: arn})
	if err != nil {
		return told{}, fmt.Errorf("%s cannot be read: %s; %s; whoever deploys or previews this stack needs secretsmanager:GetSecretValue on "+
			"it and kms:Decrypt on its key, and has to be one of the compute side's secretReaders",
			from.source, status.Convert(err).Message(), from.mend)
	}
	return from.parse(secret.SecretString)
}

// parse reads the outputs from JSON. What the text is, its error does not tell: it may be anybody's.
func (t told) parse(text string) (told, error) {
	if err := json.Unmarshal([]byte(text), &t.outputs); err != nil {
		return told{}, fmt.Errorf("%s does not have the role as JSON; %s", t.source, t.mend)
	}
	return t, nil
}
