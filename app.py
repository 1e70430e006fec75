"""The server: `streamlit run app.py`.

Besides Streamlit's own routes it answers for the page that browsers load first (`pages/server/index.py`), uploads,
thumbnails, Plotly's script (`pages/server/routes.py`), large downloads (`pages/server/downloads.py`) and texts that are
being written (`pages/server/generation_routes.py`), guards all of them (`pages/server/guard.py`), and starts this
process's share of the job queue. What people see is `pages/navigation.py`.
"""

from streamlit import App

from pages.server.downloads import DOWNLOADS
from pages.server.generation_routes import WRITING
from pages.server.guard import MIDDLEWARE
from pages.server.held import HELD
from pages.server.index import INDEX
from pages.server.lifespan import lifespan
from pages.server.routes import ROUTES

app = App(
    "pages/navigation.py",
    lifespan=lifespan,
    routes=[*INDEX, *ROUTES, *DOWNLOADS, *WRITING],
    middleware=[*MIDDLEWARE, HELD],
)
