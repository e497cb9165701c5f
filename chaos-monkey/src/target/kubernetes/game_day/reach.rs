//! Where users reach the pods of a service.

use k8s_openapi::api::core::v1::Service as ServiceResource;
use kube::{Api, Client};

use super::PodsError;
use crate::schema::{KubernetesBinding, Reach, ServicePort};
use crate::target::Endpoint;
use crate::target::kubernetes::connection::ask;

/// What a headless `Service` has instead of an address.
const HEADLESS: &str = "None";

/// Where users reach the pods of a service.
pub(super) async fn find(
    client: &Client,
    service: &str,
    binding: &KubernetesBinding,
) -> Result<Endpoint, PodsError> {
    let url = match &binding.reach {
        Some(Reach::Service(port)) => of_service(client, &binding.namespace, port).await?,
        Some(Reach::Url(url)) => url.clone(),
        None => {
            return Err(PodsError::NoReach {
                service: service.to_owned(),
            });
        }
    };
    url.parse().map_err(|source| PodsError::Url {
        service: service.to_owned(),
        source,
    })
}

async fn of_service(
    client: &Client,
    namespace: &str,
    ServicePort { name, port }: &ServicePort,
) -> Result<String, PodsError> {
    let api: Api<ServiceResource> = Api::namespaced(client.clone(), namespace);
    let found = ask(format!("get service {namespace}/{name}"), api.get_opt(name)).await?;
    let found = found.ok_or_else(|| PodsError::NoService {
        name: name.clone(),
        namespace: namespace.to_owned(),
    })?;
    let ports: Vec<i32> = found
        .spec
        .iter()
        .flat_map(|spec| spec.ports.iter().flatten())
        .map(|port| port.port)
        .collect();
    if !ports.contains(&i32::from(*port)) {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        return Err(PodsError::NoPort {
            name: name.clone(),
            port: *port,
            ports: ports.join(", "),
        });
    }
    let host = host(&found).ok_or_else(|| PodsError::NoAddress { name: name.clone() })?;
    Ok(format!("http://{host}:{port}"))
}

/// The address of its load balancer if it has one, else that inside of the cluster.
fn host(service: &ServiceResource) -> Option<String> {
    let balancer = service
        .status
        .as_ref()
        .and_then(|it| it.load_balancer.as_ref());
    let mut entries = balancer
        .into_iter()
        .flat_map(|it| it.ingress.iter().flatten());
    let outside = entries.find_map(|it| it.ip.clone().or_else(|| it.hostname.clone()));
    let inside = service.spec.as_ref().and_then(|it| it.cluster_ip.clone());
    let inside = inside.filter(|ip| !ip.is_empty() && ip != HEADLESS);
    outside.or(inside).map(in_url)
}

/// An address of IPv6 stands in brackets.
fn in_url(host: String) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::target::kubernetes::scripted::{cluster, refusal, with};

    async fn found(service: serde_json::Value) -> Result<String, String> {
        let (client, _) = cluster(move |line, _, _| match line {
            "GET /api/v1/namespaces/shop/services/web" => with(200, &service),
            _ => refusal(404, "NotFound", "there is none"),
        });
        let binding = KubernetesBinding {
            namespace: "shop".to_owned(),
            pods: "app=web".to_owned(),
            reach: Some(Reach::Service(ServicePort {
                name: "web".to_owned(),
                port: 80,
            })),
        };
        let found = find(&client, "web", &binding).await;
        found.map(|it| it.to_string()).map_err(|it| it.to_string())
    }

    fn service(ip: &str, ingress: &serde_json::Value) -> serde_json::Value {
        json!({
            "metadata": {"name": "web"},
            "spec": {"clusterIP": ip, "ports": [{"port": 80}, {"port": 443}]},
            "status": {"loadBalancer": {"ingress": ingress}},
        })
    }

    #[tokio::test]
    async fn a_load_balancer_comes_before_the_address_inside() {
        let nothing = json!([]);
        let inside = found(service("10.96.0.7", &nothing)).await;
        assert_eq!(inside.unwrap(), "http://10.96.0.7:80");
        let by_ip = found(service("10.96.0.7", &json!([{"ip": "192.0.2.1"}]))).await;
        assert_eq!(by_ip.unwrap(), "http://192.0.2.1:80");
        let by_name = found(service(
            "10.96.0.7",
            &json!([{"hostname": "shop.example.com"}]),
        ))
        .await;
        assert_eq!(by_name.unwrap(), "http://shop.example.com:80");
        let version_6 = found(service("fd00::7", &nothing)).await;
        assert_eq!(version_6.unwrap(), "http://[fd00::7]:80");
    }

    #[tokio::test]
    async fn what_is_missing_is_told() {
        let headless = found(service("None", &json!([]))).await.unwrap_err();
        assert!(headless.contains("headless"), "{headless}");
        let mut other = service("10.96.0.7", &json!([]));
        other["spec"]["ports"] = json!([{"port": 8080}]);
        let error = found(other).await.unwrap_err();
        assert_eq!(error, "the service `web` has no port 80, only: 8080");
    }
}
