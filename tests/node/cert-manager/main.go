// The cert-manager controllers of one published module in one binary, for tests on a node that cannot pull images.
//
//	cert-manager [flags] controller|webhook|cainjector|startupapicheck [flags]
//
// The verb is where the chart's extraArgs put it.
// It knows the flags that the chart of the same version renders and ignores the rest, so the chart works with it unchanged.
// Built in: certificates, the ingress shim, SelfSigned, CA and Vault issuers, the approver. Left out: ACME, Venafi, Gateway API
// (they bring the cloud SDKs), leader election (one replica).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	apireg "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cert-manager/cert-manager/internal/webhook"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/ingresses"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/vault"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctrl.SetLogger(klog.Background())
	verbs := map[string]func(context.Context, *pflag.FlagSet, []string) error{
		"controller": runController, "webhook": runWebhook, "cainjector": runInjector, "startupapicheck": runCheck}
	verb, args := "", []string{}
	for _, arg := range os.Args[1:] {
		if verbs[arg] != nil {
			verb = arg
		} else {
			args = append(args, arg)
		}
	}
	run := verbs[verb]
	flags := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	err := errors.New("controller, webhook, cainjector or startupapicheck?")
	if run != nil {
		err = run(ctx, flags, args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func logLevel(flags *pflag.FlagSet) {
	all := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(all)
	flags.AddGoFlag(all.Lookup("v"))
}

func runController(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	logLevel(flags)
	o := controller.ContextOptions{}
	flags.StringVar(&o.ClusterResourceNamespace, "cluster-resource-namespace", "kube-system", "where a ClusterIssuer's Secrets are")
	flags.StringVar(&o.Namespace, "namespace", "", "only this namespace")
	flags.BoolVar(&o.EnableOwnerRef, "enable-certificate-owner-ref", false, "delete the Secret with its Certificate")
	flags.StringVar(&o.DefaultIssuerName, "default-issuer-name", "", "for kubernetes.io/tls-acme")
	flags.StringVar(&o.DefaultIssuerKind, "default-issuer-kind", "Issuer", "")
	flags.StringVar(&o.DefaultIssuerGroup, "default-issuer-group", "cert-manager.io", "")
	o.DefaultAutoCertificateAnnotations = []string{"kubernetes.io/tls-acme"}
	o.CopiedAnnotationPrefixes = []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"}
	o.CertificateRequestMinimumBackoffDuration, o.CertificateRequestMaximumBackoffDuration = time.Hour, 32*time.Hour
	if err := flags.Parse(args); err != nil {
		return err
	}
	factory, err := controller.NewContextFactory(ctx, o)
	if err != nil {
		return err
	}
	loops := map[string]controller.Interface{}
	for name, construct := range controller.Known() {
		if loops[name], err = construct(factory); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	ended := make(chan error)
	for name, loop := range loops {
		go func() { ended <- errors.Join(loop.Run(5, ctx), fmt.Errorf("%s ended", name)) }()
	}
	http.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	go func() { ended <- http.ListenAndServe(":9403", nil) }()
	select {
	case <-ctx.Done():
		return nil
	case err = <-ended:
		return err
	}
}

func runWebhook(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	o, err := options.NewWebhookConfiguration()
	if err != nil {
		return err
	}
	options.AddConfigFlags(flags, o)
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := webhook.NewCertManagerWebhookServer(klog.Background(), *o)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

func runInjector(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	logLevel(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kscheme.AddToScheme, cmapi.AddToScheme, apiext.AddToScheme, apireg.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	// The user agent becomes the field manager of the server-side apply.
	config := util.RestConfigWithUserAgent(ctrl.GetConfigOrDie(), "cainjector")
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: ":9402"},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}}})
	if err != nil {
		return err
	}
	all := map[string]bool{cainjector.MutatingWebhookConfigurationName: true, cainjector.ValidatingWebhookConfigurationName: true,
		cainjector.APIServiceName: true, cainjector.CustomResourceDefinitionName: true}
	if err := cainjector.RegisterAllInjectors(ctx, manager, cainjector.SetupOptions{EnableCertificatesDataSource: true, EnabledReconcilersFor: all}); err != nil {
		return err
	}
	return manager.Start(ctx)
}

// runCheck waits until the webhook answers: the chart's hook after an install.
func runCheck(ctx context.Context, _ *pflag.FlagSet, _ []string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	check, err := cmapichecker.New(ctrl.GetConfigOrDie(), os.Getenv("POD_NAMESPACE"))
	for err == nil {
		if last := check.Check(ctx); last == nil {
			return nil
		} else if ctx.Err() != nil {
			err = last
		}
		time.Sleep(500 * time.Millisecond)
	}
	return err
}
