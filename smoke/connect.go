package smoke

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Function is what is needed of Lambda.
type Function interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Anonymous is S3 for somebody without credentials.
type Anonymous interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Owner is S3 for somebody of account B.
type Owner interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	PresignGetObject(context.Context, *s3.GetObjectInput, ...func(*s3.PresignOptions)) (*v4.PresignedHTTPRequest, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Clients are who tries what.
type Clients struct {
	// Function has credentials that may invoke the function.
	Function  Function
	Anonymous Anonymous
	// Owner is nil where there are no credentials of account B.
	Owner Owner
	// Web gets presigned URLs.
	Web aws.HTTPClient
}

type owner struct {
	*s3.Client
	*s3.PresignClient
}

// NewOwner is the Owner with the credentials of a client.
func NewOwner(client *s3.Client) Owner { return owner{client, s3.NewPresignClient(client)} }

var (
	_ Function  = (*lambda.Client)(nil)
	_ Anonymous = (*s3.Client)(nil)
	_ Owner     = owner{}
)

// Connect makes the clients of a deployment, and checks whose credentials they have. Endpoint and certificate authority come from the
// environment, as for every AWS SDK, and so do the credentials of account A where profileA, the name of a profile in the AWS
// configuration, is empty. Where profileB is empty, there are none of account B.
func Connect(ctx context.Context, deployment Deployment, profileA, profileB string) (Clients, error) {
	function := deployment.function()
	a, err := load(ctx, "A", profileA, function.region, function.account)
	if err != nil {
		return Clients{}, err
	}
	nobody := a.Copy()
	nobody.Region, nobody.Credentials = deployment.Region, aws.AnonymousCredentials{}
	clients := Clients{Function: lambda.NewFromConfig(a), Anonymous: s3.NewFromConfig(nobody), Web: a.HTTPClient}
	if profileB != "" {
		b, err := load(ctx, "B", profileB, deployment.Region, deployment.DataAccountID)
		if err != nil {
			return Clients{}, err
		}
		clients.Owner = NewOwner(s3.NewFromConfig(b))
	}
	return clients, nil
}

// load reads credentials and asks AWS whose they are, which needs no permission.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func load(ctx context.Context, side, profile, region, account string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	remedy := fmt.Sprintf("give those of account %s, %s, by --profile-%s", side, account, strings.ToLower(side))
	if side == "A" {
		remedy += " or AWS_PROFILE"
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("the AWS configuration cannot be used: %w; %s", err, remedy)
	}
	if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, fmt.Errorf("there are no credentials; %s: %w", remedy, err)
	}
	caller, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, nil)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS does not take the credentials; %s: %w", remedy, err)
	}
	if got := aws.ToString(caller.Account); got != account {
		return aws.Config{}, fmt.Errorf("the credentials are of account %s (%s); %s", got, aws.ToString(caller.Arn), remedy)
	}
	return loaded, nil
}
