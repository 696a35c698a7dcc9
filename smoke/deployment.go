package smoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Deployment is what is deployed, as the outputs of both stacks tell (main.go).
type Deployment struct {
	// FunctionARN is the function in account A.
	FunctionARN string
	// Permissions are what it may do: any of read, write, delete and list.
	Permissions []string
	// Prefix is what its keys have to begin with, ending in a slash; empty for any key.
	Prefix string
	// Oversize is what it does with an object too large for a response: presign or refuse.
	Oversize string

	// BucketName is the bucket in account B.
	BucketName string
	// Region is where the bucket is.
	Region string
	// DataAccountID is account B.
	DataAccountID string
	// BoundToNetworks is whether the bucket policy keeps out whole networks, and perhaps the one that this runs in.
	BoundToNetworks bool
}

// Outputs are the outputs of one stack.
type Outputs struct {
	// Stack is where they are from, for errors.
	Stack string
	// JSON is what `pulumi stack output --json` writes.
	JSON []byte
}

// ReadDeployment reads the outputs of account A and account B. An error says which stack has to be deployed.
func ReadDeployment(compute, data Outputs) (Deployment, error) {
	var a struct {
		FunctionARN *string   `json:"functionArn"`
		Permissions *[]string `json:"permissions"`
		Prefix      *string   `json:"prefix"`
		Oversize    *string   `json:"oversize"`
	}
	var b struct {
		BucketName      *string `json:"bucketName"`
		AccountID       *string `json:"accountId"`
		Region          *string `json:"region"`
		BoundToNetworks *bool   `json:"boundToNetworks"`
	}
	if err := errors.Join(compute.read(&a), data.read(&b)); err != nil {
		return Deployment{}, err
	}
	if err := errors.Join(
		compute.missing(map[string]bool{
			"functionArn": a.FunctionARN == nil, "permissions": a.Permissions == nil, "prefix": a.Prefix == nil, "oversize": a.Oversize == nil,
		}),
		data.missing(map[string]bool{
			"bucketName": b.BucketName == nil, "accountId": b.AccountID == nil, "region": b.Region == nil,
			"boundToNetworks": b.BoundToNetworks == nil,
		}),
	); err != nil {
		return Deployment{}, err
	}
	if _, err := arn.Parse(*a.FunctionARN); err != nil {
		return Deployment{}, fmt.Errorf("the output functionArn of stack %s is %q, and not an ARN", compute.Stack, *a.FunctionARN)
	}
	return Deployment{
		FunctionARN: *a.FunctionARN, Permissions: *a.Permissions, Prefix: *a.Prefix, Oversize: *a.Oversize,
		BucketName: *b.BucketName, DataAccountID: *b.AccountID, Region: *b.Region, BoundToNetworks: *b.BoundToNetworks,
	}, nil
}

func (o Outputs) read(into any) error {
	if err := json.Unmarshal(o.JSON, into); err != nil {
		return fmt.Errorf("the outputs of stack %s are not what `pulumi stack output --json` writes: %w", o.Stack, err)
	}
	return nil
}

// missing tells what is missing of the outputs; a stack that was never deployed has none.
func (o Outputs) missing(missing map[string]bool) error {
	var names []string
	for name, isMissing := range missing {
		if isMissing {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("stack %s has no output %s: it is not deployed, or by an older program; run pulumi up --stack %s first",
		o.Stack, strings.Join(names, ", "), o.Stack)
}

// function is the ARN of the function in its parts. ReadDeployment has checked it.
func (d *Deployment) function() (function struct{ name, region, account string }) {
	parsed, err := arn.Parse(d.FunctionARN)
	if err != nil {
		return function
	}
	function.name, function.region, function.account = strings.TrimPrefix(parsed.Resource, "function:"), parsed.Region, parsed.AccountID
	return function
}

// may says whether the function has all of these permissions.
func (d *Deployment) may(permissions ...string) bool {
	for _, permission := range permissions {
		if !slices.Contains(d.Permissions, permission) {
			return false
		}
	}
	return true
}
