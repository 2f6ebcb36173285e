//! The HTTP API. A handler only translates; everything else is another's.

mod analysis;
mod auth;
mod body;
mod capabilities;
mod checks;
mod clients;
mod contracts;
mod doors;
mod examples;
mod front;
mod health;
mod hybrid_schema;
mod jobs;
mod limits;
mod log;
mod meter;
mod openapi;
mod page;
mod path;
mod plan;
mod plan_page;
mod pool_plan;
mod problem;
mod query;
mod request_id;
mod review;
mod serve;
mod silence;
mod staging;
mod targets;
mod workload;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;
use crate::store::KeyScope;

pub use openapi::document;
pub use serve::{Error, ListeningService, bind};

/// The whole API on one screen.
pub fn router(app: &App) -> Router {
    let guarded = |routes: OpenApiRouter<App>, scope| {
        routes.layer(from_fn_with_state(auth::Door::new(app, scope), auth::guard))
    };
    let (router, _) = open()
        .merge(guarded(read(), KeyScope::Read))
        .merge(guarded(admin(), KeyScope::Admin))
        .layer(CompressionLayer::new())
        .merge(answers())
        .split_for_parts();
    let docs = Config::from("/openapi.json").try_it_out_enabled(true).validator_url("none");
    let docs = Router::from(SwaggerUi::new("/docs").config(docs)).layer(from_fn(page));
    let router = router
        .merge(docs.layer(CompressionLayer::new()))
        .merge(plan_page::router())
        .route("/", get(|| async { Redirect::to("/docs/") }))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method);
    let router = match doors::cors(&app.allowed_callers().1) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(front::Front::of(app)).with_state(app.clone())
}

/// A page of Swagger UI, which may load what is ours, call us, and be framed by no one. Of a page that it does not have,
/// it says no more than that.
async fn page(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        return problem::no_such_path_at(&uri).into_response();
    }
    doors::protect(response.headers_mut());
    response
}

/// For everybody.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(openapi::show))
}

/// For keys with the scope `read`, which [`analysis::Asked`] demands: a door before them would copy each request once
/// more. Answers of the cache, which compresses them once for all.
fn answers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(analysis::all))
        .merge(analysis::superpowers())
        .routes(routes!(hybrid_schema::keys))
        .routes(routes!(hybrid_schema::contract))
        .routes(routes!(capabilities::show))
}

/// For keys with the scope `read`.
fn read() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(jobs::show, jobs::cancel))
        .routes(routes!(jobs::result))
        .routes(routes!(targets::list))
        .routes(routes!(targets::show))
        .routes(routes!(workload::show, workload::send))
        .routes(routes!(contracts::list))
        .routes(routes!(contracts::show, contracts::put, contracts::delete))
        .routes(routes!(review::migration))
        .routes(routes!(plan::decode))
        .routes(routes!(plan::explain))
        .routes(routes!(staging::show))
        .routes(routes!(pool_plan::plan))
        .routes(routes!(checks::list))
        .routes(routes!(checks::show))
        .routes(routes!(health::metrics))
}

/// For keys with the scope `admin`.
fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(targets::create))
        .routes(routes!(targets::update, targets::delete))
}
