"""Pictures of Stump Tracks, drawn with pygame: 600 x 400 pixels that follow the walker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teachrl_envs.box2d.lidar import RAY_VECTORS, RAYS, cast_rays
from teachrl_envs.box2d.terrain import FINISH_X, GROUND_Y, SCALE, START_PAD, TERRAIN_STEP, Track
from teachrl_envs.box2d.walker import FPS, Walker

if TYPE_CHECKING:
    import pygame

WIDTH, HEIGHT = 600, 400
BEHIND = WIDTH / SCALE / 5  # how much of the track behind the walker is in view
SKY, RAY = (222, 233, 244), (214, 102, 84)
GRASS = ((112, 168, 92), (98, 154, 82))  # in turn, one terrain step each, so that movement can be seen
EARTH, STUMP, STUMP_LINE = (138, 118, 92), (150, 150, 152), (104, 104, 108)
HULL, FAR_LEG, NEAR_LEG, OUTLINE = (88, 84, 178), (176, 116, 150), (142, 82, 118), (46, 40, 74)
POLE, FLAG = (40, 40, 40), (226, 74, 51)

Point = tuple[float, float]
Colour = tuple[int, int, int]


class Renderer:
    """Draws a track and a walker, into an array or into a window. pygame is imported with the first picture."""

    def __init__(self) -> None:
        self._surface: pygame.Surface | None = None
        self._window: pygame.Surface | None = None
        self._clock: pygame.time.Clock | None = None
        self._scroll = 0.0

    def draw(self, track: Track, walker: Walker, *, show: bool) -> NDArray[np.uint8] | None:
        """Draw one picture: show it, at 50 frames a second, or return it as an array of shape ``(400, 600, 3)``."""
        import pygame

        if self._surface is None:
            self._surface = pygame.Surface((WIDTH, HEIGHT))
        self._scroll = walker.hull.position.x - BEHIND
        self._surface.fill(SKY)
        self._draw_rays(track, walker)
        self._draw_ground()
        self._draw_stumps(track)
        self._draw_flag(START_PAD / 8)
        self._draw_flag(FINISH_X)
        self._draw_walker(walker)
        if show:
            self._show(self._surface)
            return None
        return np.ascontiguousarray(pygame.surfarray.array3d(self._surface).swapaxes(0, 1))

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            import pygame

            pygame.display.quit()
            self._window = self._clock = None

    def _show(self, surface: pygame.Surface) -> None:
        import pygame

        if self._window is None:
            pygame.display.init()
            self._window = pygame.display.set_mode((WIDTH, HEIGHT))
            self._clock = pygame.time.Clock()
        assert self._clock is not None
        self._window.blit(surface, (0, 0))
        pygame.event.pump()
        self._clock.tick(FPS)
        pygame.display.flip()

    def _pixel(self, x: float, y: float) -> Point:
        return (x - self._scroll) * SCALE, HEIGHT - y * SCALE

    def _polygon(self, corners: list[Point], colour: Colour, outline: Colour) -> None:
        from pygame import gfxdraw

        assert self._surface is not None
        points = [self._pixel(x, y) for x, y in corners]
        gfxdraw.filled_polygon(self._surface, points, colour)
        gfxdraw.aapolygon(self._surface, points, outline)

    def _rectangle(self, left: float, right: float, bottom: float, top: float, colour: Colour, outline: Colour) -> None:
        self._polygon([(left, bottom), (right, bottom), (right, top), (left, top)], colour, outline)

    def _draw_ground(self) -> None:
        first = max(0, int(self._scroll / TERRAIN_STEP))
        for i in range(first, first + int(WIDTH / SCALE / TERRAIN_STEP) + 2):
            left, right, colour = i * TERRAIN_STEP, (i + 1) * TERRAIN_STEP, GRASS[i % 2]
            self._rectangle(left, right, 0.0, GROUND_Y, EARTH, EARTH)
            self._rectangle(left, right, GROUND_Y - 0.3, GROUND_Y, colour, colour)

    def _draw_stumps(self, track: Track) -> None:
        for x, y, half_width, half_height in track.stumps.tolist():
            if -1 < x - self._scroll < WIDTH / SCALE + 1:
                box = x - half_width, x + half_width, y - half_height, y + half_height
                self._rectangle(*box, STUMP, STUMP_LINE)

    def _draw_flag(self, x: float) -> None:
        import pygame

        assert self._surface is not None
        top = GROUND_Y + 50 / SCALE
        pygame.draw.aaline(self._surface, POLE, self._pixel(x, GROUND_Y), self._pixel(x, top))
        self._polygon([(x, top), (x, top - 10 / SCALE), (x + 25 / SCALE, top - 5 / SCALE)], FLAG, POLE)

    def _draw_rays(self, track: Track, walker: Walker) -> None:
        import pygame

        assert self._surface is not None
        x, y = walker.hull.position
        fractions = np.empty(RAYS, dtype=np.float32)
        cast_rays(track.faces, x, y, fractions)
        for fraction, (dx, dy) in zip(fractions.tolist(), RAY_VECTORS.tolist(), strict=True):
            end = self._pixel(x + fraction * dx, y + fraction * dy)
            pygame.draw.aaline(self._surface, RAY, self._pixel(x, y), end)

    def _draw_walker(self, walker: Walker) -> None:
        colours = [FAR_LEG, FAR_LEG, NEAR_LEG, NEAR_LEG, HULL]
        for body, colour in zip([*walker.legs, walker.hull], colours, strict=True):
            self._draw_body(body, colour)

    def _draw_body(self, body: Any, colour: Colour) -> None:
        for fixture in body.fixtures:
            corners = [tuple(body.transform * vertex) for vertex in fixture.shape.vertices]
            self._polygon(corners, colour, OUTLINE)
